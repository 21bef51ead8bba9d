import type { Endpoint, Resolver } from "@outrigger/core";

/** The API server refuses loopback addresses, which is where the suite's instances are. */
const addresses: readonly (readonly [string, string])[] = [
  ["127.0.0.1", "10.1.0.1"],
  ["::1", "fd00::1"],
];

/** The address in the cluster for one of the suite. */
export function toCluster(host: string): string {
  return addresses.find(([local]) => local === host)?.[1] ?? host;
}

function toLocal(host: string): string {
  return addresses.find(([, remote]) => remote === host)?.[0] ?? host;
}

/** A resolver whose endpoints are told with the suite's addresses; all else is passed through. */
export function translated(resolver: Resolver): Resolver {
  return {
    name: resolver.name,
    features: resolver.features,
    start: async (signal) => resolver.start?.(signal),
    stop: async () => resolver.stop?.(),
    async resolve(request, signal) {
      const endpoints = await resolver.resolve(request, signal);
      return endpoints.map((one): Endpoint => ({ ...one, host: toLocal(one.host) }));
    },
    report: (request, endpoint, outcome) =>
      resolver.report?.(request, { ...endpoint, host: toCluster(endpoint.host) }, outcome),
  };
}
