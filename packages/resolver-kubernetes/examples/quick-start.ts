import { silentLogger } from "@outrigger/core";
import { resolverKubernetes } from "@outrigger/resolver-kubernetes";

const createResolver = resolverKubernetes({ mode: "auto", zone: "eu-west-1a" });
const resolver = createResolver({
  appId: "orders",
  namespace: "shop",
  log: silentLogger,
  now: Date.now,
  random: Math.random,
});

const signal = AbortSignal.timeout(5_000);
await resolver.start?.(signal);
try {
  console.log(await resolver.resolve({ appId: "stock", namespace: "shop" }, signal));
  // In the cluster: [{ host: "10.1.2.3", port: 50002, namespace: "shop", zone: "eu-west-1a" }]
} catch (error) {
  console.log(String(error));
}
await resolver.stop?.();
