import { testContext } from "@outrigger/conformance";
import { transportConformance } from "@outrigger/conformance/vitest";
import { transportGrpc } from "@outrigger/transport-grpc";

const makeCallee = (port: number) => transportGrpc({ host: "127.0.0.1", port })(testContext());

transportConformance({
  name: "@outrigger/transport-grpc",
  setup: async () => {
    const caller = transportGrpc()(testContext());
    const callee = makeCallee(0);
    return {
      // Port 1 (tcpmux) is closed on every sane machine.
      subject: { caller, callee, makeCallee, unreachable: { host: "127.0.0.1", port: 1 } },
      teardown: async () => {
        await caller.stop?.();
        await callee.stop?.();
      },
    };
  },
});
