import { joinHostPort } from "./host-port.ts";
import type { Endpoint, EndpointOutcome } from "./resolver.ts";

/** Settings of {@link createEndpointHealth}. */
export interface EndpointHealthSettings {
  /** A clock in milliseconds that does not jump: `performance.now`, or the clock of a test. */
  readonly now: () => number;
  /** How long a failed endpoint is avoided, in milliseconds. Default 5000. */
  readonly retryAfterMs?: number;
  /** Most failures kept; the oldest is forgotten first. Default 1024. */
  readonly maxEntries?: number;
}

/** Remembers which endpoints failed a moment ago: the shared half of `Resolver.report`. */
export interface EndpointHealth {
  report(endpoint: Endpoint, outcome: EndpointOutcome): void;
  /** Leaves out what failed lately. When that is everything, nothing is left out. */
  filter(endpoints: readonly Endpoint[]): readonly Endpoint[];
}

/** Makes an empty memory of failures. Resolvers hold one each. */
export function createEndpointHealth(settings: EndpointHealthSettings): EndpointHealth {
  const { now, retryAfterMs = 5_000, maxEntries = 1_024 } = settings;
  const avoidedUntil = new Map<string, number>();

  const isAvoided = (endpoint: Endpoint, time: number): boolean => {
    const key = joinHostPort(endpoint.host, endpoint.port);
    const until = avoidedUntil.get(key);
    if (until === undefined) return false;
    if (until > time) return true;
    avoidedUntil.delete(key);
    return false;
  };

  return {
    report(endpoint, outcome) {
      const key = joinHostPort(endpoint.host, endpoint.port);
      // Deleting first moves the entry to the end: the first one is always the oldest.
      avoidedUntil.delete(key);
      if (outcome === "reached") return;
      const oldest = avoidedUntil.keys().next();
      if (avoidedUntil.size >= maxEntries && !oldest.done) avoidedUntil.delete(oldest.value);
      avoidedUntil.set(key, now() + retryAfterMs);
    },
    filter(endpoints) {
      if (avoidedUntil.size === 0 || endpoints.length < 2) return endpoints;
      const time = now();
      const usable = endpoints.filter((endpoint) => !isAvoided(endpoint, time));
      return usable.length === 0 ? endpoints : usable;
    },
  };
}
