import { silentLogger } from "@outrigger/core";
import { resolverLocal } from "@outrigger/resolver-local";

const createResolver = resolverLocal({ folder: "/tmp/outrigger-example" });
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
    host: "127.0.0.1",
    internalPort: 50_002,
    httpPort: 3_500,
    appPort: 0,
  },
  signal,
);

console.log(await resolver.resolve({ appId: "orders", namespace: "default" }, signal));
// [{ host: "127.0.0.1", port: 50002, namespace: "default" }]
await resolver.stop?.();
