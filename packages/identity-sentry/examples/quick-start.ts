import { createRuntime, type Runtime } from "@outrigger/core";
import { identitySentry } from "@outrigger/identity-sentry";
import { transportGrpc } from "@outrigger/transport-grpc";

/** Calls between sidecars are encrypted, and both ends know whom they talk to. */
export function startOrders(trustAnchors: string): Promise<Runtime> {
  return createRuntime({
    appId: "orders",
    transport: transportGrpc({ port: 50_002 }),
    identity: identitySentry({
      address: "127.0.0.1:50001",
      trustAnchors: { pem: trustAnchors },
    }),
  });
}
