import { testContext } from "@outrigger/conformance";
import { transportConformance } from "@outrigger/conformance/vitest";
import { memoryNetwork, transportMemory } from "@outrigger/transport-memory";

transportConformance({
  name: "@outrigger/transport-memory",
  setup: async () => {
    const network = memoryNetwork();
    const makeCallee = (port: number) => transportMemory({ network, port })(testContext());
    const caller = makeCallee(0);
    const callee = makeCallee(0);
    return {
      subject: { caller, callee, makeCallee, unreachable: { host: "127.0.0.1", port: 1 } },
      teardown: async () => {
        await caller.stop?.();
        await callee.stop?.();
      },
    };
  },
});
