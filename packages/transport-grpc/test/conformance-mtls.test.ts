import { testContext } from "@outrigger/conformance";
import { transportConformance } from "@outrigger/conformance/vitest";
import { transportGrpc } from "@outrigger/transport-grpc";
import { algorithms, TestAuthority, TestIdentity } from "../../spiffe/test/certificates.ts";

/** Both halves show the name that the cases call: what is shown is not what they test. */
for (const [family, algorithm] of Object.entries(algorithms)) {
  transportConformance({
    name: `@outrigger/transport-grpc with mutual TLS, ${family} issuer`,
    setup: async () => {
      const authority = await TestAuthority.create(algorithm);
      const identity = new TestIdentity(await authority.issue("callee"));
      const context = testContext({ identity });
      const makeCallee = (port: number) => transportGrpc({ host: "127.0.0.1", port })(context);
      const caller = transportGrpc()(context);
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
}
