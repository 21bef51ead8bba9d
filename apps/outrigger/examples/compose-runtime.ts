import { appFunction, createRuntime, type InvokeResponse, type Runtime } from "@outrigger/core";
import { resolverStatic } from "@outrigger/resolver-static";
import { memoryNetwork, transportMemory } from "@outrigger/transport-memory";

/** Two sidecars in one process: `checkout` calls `orders` by its app id. */
export async function composeTwoRuntimes(): Promise<string> {
  const network = memoryNetwork();
  const resolver = resolverStatic({ apps: { orders: ["127.0.0.1:50002"] } });
  const orders: Runtime = await createRuntime({
    appId: "orders",
    transport: transportMemory({ network, port: 50_002 }),
    appChannel: appFunction(
      async (call): Promise<InvokeResponse> => ({
        status: { code: 200, message: "", details: [] },
        headers: [],
        trailers: [],
        contentType: "text/plain",
        typeUrl: "",
        body: Buffer.from(`${call.http?.verb} ${call.method} accepted`),
      }),
    ),
  });
  const checkout: Runtime = await createRuntime({
    appId: "checkout",
    transport: transportMemory({ network }),
    resolver,
  });
  try {
    const answer = await checkout.invoke({ target: "orders", method: "new", body: "order 1" });
    return Buffer.from(answer.body as Uint8Array).toString();
  } finally {
    await checkout.stop();
    await orders.stop();
  }
}
