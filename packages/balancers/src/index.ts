export { balancerFromConfiguration } from "./configuration.ts";
export { type ConsistentHashOptions, consistentHash } from "./consistent-hash.ts";
export { leastRequest } from "./least-request.ts";
export { type ZoneAwareOptions, zoneAware } from "./zone-aware.ts";
