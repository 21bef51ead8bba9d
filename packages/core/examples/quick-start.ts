import {
  type ComponentFactory,
  createRuntime,
  OutriggerError,
  type Resolver,
  type Runtime,
  type Transport,
} from "@outrigger/core";

/** A resolver that knows one app. Real ones come as packages, or from you. */
const resolverOne: ComponentFactory<Resolver> = () => ({
  name: "resolver-one",
  features: { announces: false, namespaces: false, expires: false, watches: false },
  resolve: async ({ appId }) => {
    if (appId === "orders") return [{ host: "127.0.0.1", port: 50_002 }];
    throw new OutriggerError(`couldn't find service: ${appId}`, { code: "OTR_RESOLVE_NOT_FOUND" });
  },
});

/** Calls `orders` once through the given transport, for example `transportGrpc()`. */
export async function placeOrder(transport: ComponentFactory<Transport>): Promise<number> {
  const runtime: Runtime = await createRuntime({
    appId: "checkout",
    transport,
    resolver: resolverOne,
  });
  try {
    const response = await runtime.invoke({
      target: "orders",
      method: "new",
      body: '{"id":1}',
      contentType: "application/json",
    });
    return response.status.code;
  } finally {
    await runtime.stop();
  }
}
