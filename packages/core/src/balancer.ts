import type { InvokeRequest } from "./call.ts";
import type { Endpoint, ResolveRequest } from "./resolver.ts";

/** Picks one endpoint of a snapshot. */
export interface Balancer {
  /**
   * @param endpoints never empty.
   * @param tried endpoints that failed in this call; avoided while another one is left.
   */
  pick(
    request: ResolveRequest,
    endpoints: readonly Endpoint[],
    tried: readonly Endpoint[],
    call: InvokeRequest,
  ): Endpoint;
}

/** Targets whose turn is remembered. The oldest is forgotten first, and begins a new round then. */
const maxTargets = 4_096;

/** Exact round robin per target: over any run of calls, shares differ by at most one. */
export function roundRobin(): Balancer {
  const turns = new Map<string, number>();
  return {
    pick(request, endpoints, tried) {
      const key = `${request.namespace}/${request.appId}`;
      const turn = turns.get(key) ?? 0;
      if (turn === 0 && turns.size >= maxTargets) forgetOldest(turns);
      turns.set(key, turn >= Number.MAX_SAFE_INTEGER ? 0 : turn + 1);
      const first = endpoints[turn % endpoints.length] as Endpoint;
      return tried.length === 0 ? first : firstUntried(endpoints, turn, tried);
    },
  };
}

function firstUntried(
  endpoints: readonly Endpoint[],
  turn: number,
  tried: readonly Endpoint[],
): Endpoint {
  for (let step = 0; step < endpoints.length; step++) {
    const candidate = endpoints[(turn + step) % endpoints.length] as Endpoint;
    if (!includesEndpoint(tried, candidate)) return candidate;
  }
  return endpoints[turn % endpoints.length] as Endpoint;
}

function forgetOldest(turns: Map<string, number>): void {
  for (const key of turns.keys()) {
    turns.delete(key);
    return;
  }
}

/** True when the list holds an endpoint with the same host and port. */
export function includesEndpoint(list: readonly Endpoint[], endpoint: Endpoint): boolean {
  return list.some((entry) => entry.port === endpoint.port && entry.host === endpoint.host);
}
