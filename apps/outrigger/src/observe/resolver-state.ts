import type { CallGraphSnapshot } from "@outrigger/call-graph";
import { errorText, joinHostPort, type Resolver, type ResolverFeatures } from "@outrigger/core";

/** Targets that are looked at, at most. */
const maxTargets = 32;

/** How long one look-up may take. Most answers are in memory already. */
const lookUpMs = 500;

/** What the resolver says of an app that was called. */
export interface ResolvedTarget {
  readonly appId: string;
  readonly namespace: string;
  readonly endpoints: readonly string[];
  readonly error?: string;
}

/** A sidecar's resolver as it is now. */
export interface ResolverState {
  readonly name: string;
  readonly features: ResolverFeatures;
  readonly targets: readonly ResolvedTarget[];
}

/** Asks the resolver for the apps that were called in the last five minutes, and for no others. */
export async function resolverState(
  resolver: Resolver | undefined,
  { edges, at, appId: ownId }: CallGraphSnapshot,
): Promise<ResolverState | null> {
  if (resolver === undefined) return null;
  const called = new Map<string, { appId: string; namespace: string }>();
  for (const { side, callee, lastUsedAt } of edges) {
    if (side !== "caller" || callee.kind !== "app" || at - lastUsedAt > 300_000) continue;
    if (callee.appId === ownId || called.size >= maxTargets) continue;
    const { appId, namespace } = callee;
    called.set(`${namespace}/${appId}`, { appId, namespace });
  }
  const signal = AbortSignal.timeout(lookUpMs);
  const targets = await Promise.all(
    [...called.values()].map(async (target): Promise<ResolvedTarget> => {
      try {
        const found = await resolver.resolve(target, signal);
        return { ...target, endpoints: found.map(({ host, port }) => joinHostPort(host, port)) };
      } catch (reason) {
        return { ...target, endpoints: [], error: errorText(reason).slice(0, 200) };
      }
    }),
  );
  return { name: resolver.name, features: resolver.features, targets };
}
