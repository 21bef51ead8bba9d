import type { HeaderList } from "./call.ts";
import type { Endpoint, ResolveRequest } from "./resolver.ts";

/** What a balancer may look at besides the endpoints; direct and proxied calls both have it. */
export interface BalancedCall {
  /** Method path of a direct call, `/package.Service/Method` of a proxied one. */
  readonly method: string;
  readonly metadata: HeaderList;
}

/** The state of one target at the moment of one choice. */
export interface BalancerSnapshot {
  readonly target: ResolveRequest;
  /**
   * Never empty. Endpoints that failed in this call are left out while there are others; those that
   * failed in other calls a moment ago were left out by the resolver.
   */
  readonly endpoints: readonly Endpoint[];
  /** Calls to this target before this one: 0, 1, 2, ... Further attempts of a call do not count. */
  readonly turn: number;
  /** Calls under way to an endpoint of `endpoints`. Always 0 unless the balancer `countsCalls`. */
  inFlight(endpoint: Endpoint): number;
}

/**
 * Chooses the endpoint of an attempt. A pure function over the snapshot: the runtime keeps the
 * state, so that a balancer can be tested with plain data and shared between targets.
 */
export interface Balancer {
  /** For logs and errors, for example `round-robin`. */
  readonly name: string;
  /** True makes the runtime count the calls under way per endpoint. Default false: it costs a map. */
  readonly countsCalls?: boolean;
  /** @returns one of `snapshot.endpoints`. Must not throw. */
  select(snapshot: BalancerSnapshot, call: BalancedCall): Endpoint;
}

/** Each endpoint in its turn: over any run of calls to one target, shares differ by at most one. */
export function roundRobin(): Balancer {
  return {
    name: "round-robin",
    select: ({ endpoints, turn }) => endpoints[turn % endpoints.length] as Endpoint,
  };
}

/** True when the list holds an endpoint with the same host and port. */
export function includesEndpoint(list: readonly Endpoint[], endpoint: Endpoint): boolean {
  return list.some((entry) => entry.port === endpoint.port && entry.host === endpoint.host);
}
