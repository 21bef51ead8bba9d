import { silentLogger } from "@outrigger/core";
import { resolverStatic } from "@outrigger/resolver-static";

const createResolver = resolverStatic({
  apps: {
    orders: ["127.0.0.1:50002", { host: "::1", port: 50003 }],
    "orders.production": ["10.0.0.7:50002"],
  },
});

const resolver = createResolver({
  appId: "checkout",
  namespace: "default",
  log: silentLogger,
  now: Date.now,
  random: Math.random,
});

const endpoints = await resolver.resolve(
  { appId: "orders", namespace: "default" },
  AbortSignal.timeout(1_000),
);
console.log(endpoints); // [{ host: "127.0.0.1", port: 50002 }, { host: "::1", port: 50003 }]
