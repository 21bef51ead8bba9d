import { type ResolverSubject, resolverFixture, testContext } from "@outrigger/conformance";
import { resolverConformance } from "@outrigger/conformance/vitest";
import { type Instance, OutriggerError } from "@outrigger/core";
import { resolverChain } from "@outrigger/resolver-chain";
import { MemoryRegistry } from "./memory-registry.ts";

const { signal } = new AbortController();

/** Odd instances are known to one registry, even ones to the other, one app to both. */
function fill(one: MemoryRegistry, other: MemoryRegistry, mode: "first" | "merged"): void {
  resolverFixture.forEach((instance, index) => {
    // In order, the members are alternatives: each app lives in one of them.
    const odd = mode === "first" ? instance.appId.length % 2 === 1 : index % 2 === 1;
    (odd ? one : other).instances.add(instance);
    if (instance.appId === "billing") one.instances.add(instance);
  });
}

for (const mode of ["merged", "first"] as const) {
  resolverConformance({
    name: `resolver-chain, ${mode}`,
    setup: async () => {
      const [one, other] = [new MemoryRegistry(), new MemoryRegistry()];
      fill(one, other, mode);
      const chain = (...registries: readonly MemoryRegistry[]) =>
        resolverChain({
          mode,
          retryAfterMs: 300,
          recheckMs: 100,
          members: registries.map(({ resolver }, index) => ({ name: `r${index}`, resolver })),
        })(testContext());
      const create = () => chain(one, other);
      const resolver = create();
      await resolver.start?.(signal);
      const away = new MemoryRegistry();
      away.failure = new OutriggerError("connection refused", { code: "OTR_RESOLVE_FAILED" });
      const target = ({ appId }: Instance) =>
        mode === "merged" ? one : appId.length % 2 === 1 ? one : other;
      const drop = async (instance: Instance) => {
        for (const registry of [one, other]) registry.instances.delete(instance);
      };
      const subject: ResolverSubject = {
        resolver,
        create,
        peers: {
          add: async (instance) => void target(instance).instances.add(instance),
          remove: drop,
          crash: drop,
        },
        backendQueries: () => one.queries + other.queries,
        createUnreachable: () => chain(away, away),
        malformedConfigurations: [
          () => resolverChain({ members: [] }),
          () => resolverChain({ members: [{ name: "", resolver: one.resolver }] }),
          () =>
            resolverChain({
              members: [
                { name: "same", resolver: one.resolver },
                { name: "same", resolver: other.resolver },
              ],
            }),
          () =>
            resolverChain({
              members: [{ name: "one", resolver: one.resolver }],
              settleMs: Number.NaN,
            }),
        ],
      };
      return { subject, teardown: () => resolver.stop?.() };
    },
  });
}
