import {
  type BalancedCall,
  type Balancer,
  type BalancerSnapshot,
  type Endpoint,
  parseOptions,
  roundRobin,
} from "@outrigger/core";
import { zoneAwareSchema } from "./options.ts";

/** Options of `zoneAware`. */
export interface ZoneAwareOptions {
  /** Zone of this sidecar, as the registry writes it: `eu-west-1a`. */
  readonly zone: string;
  /** Chooses among the endpoints of the zone that a call goes to. Default `roundRobin()`. */
  readonly within?: Balancer;
}

/**
 * Keeps calls in the own zone while that has its share of the endpoints: at least as many as the
 * zones have on average. With fewer it keeps the same fraction of the calls, and the rest spill over
 * to the other zones: of zones with 1, 4 and 4 endpoints the first keeps a third of its calls.
 * So no endpoint of the own zone gets more than its share of calls that come from all zones alike.
 * Without an endpoint in the own zone, or with none elsewhere, all endpoints count; endpoints whose
 * zone is unknown count as one more zone.
 * @throws OutriggerError `OTR_OPTIONS_INVALID`.
 */
export function zoneAware(options: ZoneAwareOptions): Balancer {
  const { zone, within = roundRobin() } = parseOptions("zone-aware", zoneAwareSchema, options);
  return {
    name: "zone-aware",
    countsCalls: within.countsCalls === true,
    select: (snapshot, call) => selectByZone(zone, within, snapshot, call),
  };
}

function selectByZone(
  zone: string,
  within: Balancer,
  snapshot: BalancerSnapshot,
  call: BalancedCall,
): Endpoint {
  const { endpoints, turn } = snapshot;
  const total = endpoints.length;
  let own = 0;
  for (const endpoint of endpoints) if (endpoint.zone === zone) own += 1;
  if (own === 0 || own === total) return within.select(snapshot, call);

  const share = Math.min(own * zonesOf(endpoints), total);
  const stayed = callsThatStay(turn, share, total);
  const stays = callsThatStay(turn + 1, share, total) > stayed;
  const choice: BalancerSnapshot = {
    target: snapshot.target,
    endpoints: endpoints.filter((endpoint) => (endpoint.zone === zone) === stays),
    // Each side counts its own turns: with every third call staying, turns of the whole would repeat.
    turn: stays ? stayed : turn - stayed,
    inFlight: snapshot.inFlight,
  };
  return within.select(choice, call);
}

/** How many of the first `turns` calls stay in the zone, when `share` of `total` do. Exact integers. */
function callsThatStay(turns: number, share: number, total: number): number {
  const rest = turns % total;
  return ((turns - rest) / total) * share + Math.floor((rest * share) / total);
}

function zonesOf(endpoints: readonly Endpoint[]): number {
  const zones = new Set<string | undefined>();
  for (const { zone } of endpoints) zones.add(zone);
  return zones.size;
}
