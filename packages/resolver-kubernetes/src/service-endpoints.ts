import type { Endpoint } from "@outrigger/core";
import type { Slice, SliceEndpoint } from "./endpoint-slice.ts";

/** The instances of one Service. */
export interface ServiceEndpoints {
  readonly all: readonly Endpoint[];
  /** Those that the cluster wants clients of the own zone to use; all of them without hints. */
  readonly preferred: readonly Endpoint[];
}

/** Puts the slices of a Service together. */
export function mergeSlices(
  slices: Iterable<Slice>,
  namespace: string,
  zone: string | undefined,
): ServiceEndpoints {
  const instances = new Map<string, SliceEndpoint>();
  for (const slice of slices) {
    for (const endpoint of slice.endpoints) {
      // A pod of a dual-stack Service is in a slice of each family, and while the cluster moves it
      // between slices it is in two of one family.
      const key = `${endpoint.uid ?? endpoint.host}|${endpoint.port}`;
      const known = instances.get(key);
      if (known === undefined || rank(endpoint) < rank(known)) instances.set(key, endpoint);
    }
  }
  const found = [...instances.values()];
  const all = found.map((one) => toEndpoint(one, namespace));
  const hinted = zone === undefined ? [] : all.filter((_, i) => found[i]?.forZones.includes(zone));
  // Hints count only when every endpoint has some, as for kube-proxy: else they are being changed.
  const complete = found.every(({ forZones }) => forZones.length > 0);
  return { all, preferred: complete && hinted.length > 0 ? hinted : all };
}

function rank({ family }: SliceEndpoint): number {
  return family === "IPv4" ? 0 : 1;
}

function toEndpoint({ host, port, zone }: SliceEndpoint, namespace: string): Endpoint {
  return { host, port, namespace, ...(zone === undefined ? {} : { zone }) };
}
