import {
  type ComponentFactory,
  type Endpoint,
  OutriggerError,
  type Resolver,
  silentLogger,
} from "@outrigger/core";
import { resolverChain } from "@outrigger/resolver-chain";

/** Stands for resolverConsul(...), resolverMdns(...), or one of your own. */
function listed(apps: Readonly<Record<string, readonly Endpoint[]>>): ComponentFactory<Resolver> {
  return () => ({
    name: "listed",
    features: { announces: false, namespaces: false, expires: false, watches: false },
    async resolve({ appId }) {
      const endpoints = apps[appId];
      if (endpoints !== undefined) return endpoints;
      throw new OutriggerError(`couldn't find service: ${appId}`, {
        code: "OTR_RESOLVE_NOT_FOUND",
      });
    },
  });
}

const createResolver = resolverChain({
  mode: "merged",
  members: [
    { name: "cluster", resolver: listed({ orders: [{ host: "10.0.0.7", port: 50_002 }] }) },
    { name: "machine", resolver: listed({ orders: [{ host: "127.0.0.1", port: 50_002 }] }) },
  ],
});
const resolver = createResolver({
  appId: "checkout",
  namespace: "default",
  log: silentLogger,
  now: Date.now,
  random: Math.random,
});

const signal = AbortSignal.timeout(5_000);
await resolver.start?.(signal);
console.log(await resolver.resolve({ appId: "orders", namespace: "default" }, signal));
// [{ host: "10.0.0.7", port: 50002 }, { host: "127.0.0.1", port: 50002 }]
await resolver.stop?.();
