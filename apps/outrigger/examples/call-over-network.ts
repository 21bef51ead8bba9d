import { createRuntime } from "@outrigger/core";
import { resolverMdns } from "@outrigger/resolver-mdns";
import { transportGrpc } from "@outrigger/transport-grpc";

/** Calls one app of the mesh, from a process without a sidecar of its own. */
export async function callOrders(interfaces: readonly string[]): Promise<number> {
  const runtime = await createRuntime({
    appId: "checkout",
    transport: transportGrpc({ host: "127.0.0.1" }),
    resolver: resolverMdns({ interfaces }),
  });
  try {
    const answer = await runtime.invoke({
      target: "orders",
      method: "new",
      verb: "POST",
      body: '{"item":1}',
    });
    return answer.status.code;
  } finally {
    await runtime.stop();
  }
}
