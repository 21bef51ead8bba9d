import { resolverFixture, testContext } from "@outrigger/conformance";
import { resolverConformance } from "@outrigger/conformance/vitest";
import { resolverStatic } from "@outrigger/resolver-static";

type Apps = Record<string, { host: string; port: number }[]>;

function appsOfFixture(): Apps {
  const apps: Apps = {};
  for (const { appId, namespace, host, internalPort } of resolverFixture) {
    const key = `${appId}.${namespace}`;
    apps[key] = [...(apps[key] ?? []), { host, port: internalPort }];
  }
  return apps;
}

resolverConformance({
  name: "@outrigger/resolver-static",
  setup: async () => {
    const create = () =>
      resolverStatic({ apps: appsOfFixture(), retryAfterMs: 200 })(testContext());
    const resolver = create();
    return {
      subject: {
        resolver,
        create,
        malformedConfigurations: [
          () => resolverStatic({ apps: { orders: ["127.0.0.1"] } }),
          () => resolverStatic({ apps: { orders: ["127.0.0.1:65536"] } }),
          () => resolverStatic({ apps: { orders: [{ host: "", port: 1 }] } }),
          () => resolverStatic({ apps: {}, retryAfterMs: -1 }),
        ],
      },
      teardown: () => resolver.stop?.(),
    };
  },
});
