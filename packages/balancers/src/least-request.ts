import type { Balancer, BalancerSnapshot, Endpoint } from "@outrigger/core";

/**
 * The endpoint with the fewest calls under way from this sidecar; equal ones take turns. Suits apps
 * whose calls differ much in duration: a slow instance gets fewer of them.
 */
export function leastRequest(): Balancer {
  return { name: "least-request", countsCalls: true, select: selectLeastBusy };
}

function selectLeastBusy({ endpoints, turn, inFlight }: BalancerSnapshot): Endpoint {
  let least = Number.POSITIVE_INFINITY;
  // All of the least busy ones: taking the first after an offset would favour those behind a busy one.
  let candidates: Endpoint[] = [];
  for (const endpoint of endpoints) {
    const calls = inFlight(endpoint);
    if (calls > least) continue;
    if (calls < least) candidates = [];
    least = calls;
    candidates.push(endpoint);
  }
  return candidates[turn % candidates.length] as Endpoint;
}
