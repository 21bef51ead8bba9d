import type { Balancer, BalancerSnapshot, Endpoint } from "@outrigger/core";

/** Endpoints 10.0.0.1 to 10.0.0.n. */
export function hosts(count: number, zone?: string): Endpoint[] {
  return Array.from({ length: count }, (_, index) => ({
    host: `10.0.0.${index + 1}`,
    port: 50_002,
    ...(zone === undefined ? {} : { zone }),
  }));
}

/** A snapshot that cannot be changed: a balancer that tries to throws. */
export function snapshot(
  endpoints: readonly Endpoint[],
  turn = 0,
  inFlight: (endpoint: Endpoint) => number = () => 0,
): BalancerSnapshot {
  for (const endpoint of endpoints) Object.freeze(endpoint);
  const target = Object.freeze({ appId: "orders", namespace: "default" });
  return Object.freeze({ target, endpoints: Object.freeze([...endpoints]), turn, inFlight });
}

/** Choices per endpoint, in the order of `endpoints`, over turns from 0. */
export function shares(
  balancer: Balancer,
  endpoints: readonly Endpoint[],
  turns: number,
  inFlight: (endpoint: Endpoint) => number = () => 0,
): number[] {
  const counts = endpoints.map(() => 0);
  for (let turn = 0; turn < turns; turn++) {
    const chosen = balancer.select(snapshot(endpoints, turn, inFlight), {
      method: "m",
      metadata: [],
    });
    const index = endpoints.indexOf(chosen);
    counts[index] = (counts[index] ?? 0) + 1;
  }
  return counts;
}
