import { silentLogger } from "@outrigger/core";
import { resolverConsul } from "@outrigger/resolver-consul";

const createResolver = resolverConsul({ client: { address: "127.0.0.1:8500" } });
const resolver = createResolver({
  appId: "orders",
  namespace: "default",
  log: silentLogger,
  now: Date.now,
  random: Math.random,
});

const signal = AbortSignal.timeout(5_000);
await resolver.start?.(signal);
await resolver.announce?.(
  {
    appId: "orders",
    namespace: "default",
    host: "10.0.0.7",
    internalPort: 50_002,
    httpPort: 3_500,
    appPort: 8_080,
  },
  signal,
);

console.log(await resolver.resolve({ appId: "orders", namespace: "default" }, signal));
// [{ host: "10.0.0.7", port: 50002, namespace: "default" }]
await resolver.withdraw?.();
await resolver.stop?.();
