import { resolverFixture, testContext } from "@outrigger/conformance";
import { resolverConformance } from "@outrigger/conformance/vitest";
import {
  type ComponentFactory,
  type Endpoint,
  OutriggerError,
  type Resolver,
} from "@outrigger/core";

/** Your resolver; here one that looks into a map, which stands for the registry. */
function resolverMap(
  registry: ReadonlyMap<string, readonly Endpoint[]>,
): ComponentFactory<Resolver> {
  return (_context) => {
    let stopped = false;
    return {
      name: "resolver-map",
      features: { announces: false, namespaces: true, expires: false, watches: false },
      async resolve({ appId, namespace }, signal) {
        signal.throwIfAborted();
        if (stopped) throw new OutriggerError("stopped", { code: "OTR_STOPPED" });
        const found = registry.get(`${namespace || "default"}/${appId}`);
        if (found !== undefined) return found;
        throw new OutriggerError(`no app ${appId}`, { code: "OTR_RESOLVE_NOT_FOUND" });
      },
      stop: async () => {
        stopped = true;
      },
    };
  };
}

resolverConformance({
  name: "resolver-map",
  setup: () => {
    const registry = new Map<string, Endpoint[]>();
    for (const { appId, namespace, host, internalPort } of resolverFixture) {
      const key = `${namespace}/${appId}`;
      registry.set(key, [...(registry.get(key) ?? []), { host, port: internalPort }]);
    }
    const create = () => resolverMap(registry)(testContext());
    return { subject: { resolver: create(), create } };
  },
});
