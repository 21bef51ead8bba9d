import {
  type Balancer,
  type Endpoint,
  headerValue,
  parseOptions,
  roundRobin,
} from "@outrigger/core";
import { hashEndpoint, hashText, weightOf } from "./hash.ts";
import { consistentHashSchema } from "./options.ts";

/** Options of `consistentHash`. */
export interface ConsistentHashOptions {
  /** Header or gRPC metadata key whose first value decides; upper and lower case are the same. */
  readonly header: string;
}

/**
 * Calls with the same header value go to the same instance, from every sidecar that knows the same
 * instances. One that leaves moves only its own values; one that joins takes its share of all others
 * (rendezvous hashing over host and port). Calls without the header, or with an empty one, take turns.
 * @throws OutriggerError `OTR_OPTIONS_INVALID`.
 */
export function consistentHash(options: ConsistentHashOptions): Balancer {
  const { header } = parseOptions("consistent-hash", consistentHashSchema, options);
  const withoutKey = roundRobin();
  return {
    name: "consistent-hash",
    select(snapshot, call) {
      const key = headerValue(call.metadata, header);
      if (key === undefined || key === "") return withoutKey.select(snapshot, call);
      return heaviest(snapshot.endpoints, hashText(key));
    },
  };
}

function heaviest(endpoints: readonly Endpoint[], keyHash: number): Endpoint {
  let best = endpoints[0] as Endpoint;
  if (endpoints.length === 1) return best;
  let bestWeight = -1;
  for (const endpoint of endpoints) {
    const weight = weightOf(keyHash, hashEndpoint(endpoint));
    if (weight < bestWeight || (weight === bestWeight && !isBefore(endpoint, best))) continue;
    best = endpoint;
    bestWeight = weight;
  }
  return best;
}

/** Decides between equal weights: registries list endpoints in no particular order. */
function isBefore(one: Endpoint, other: Endpoint): boolean {
  return one.host === other.host ? one.port < other.port : one.host < other.host;
}
