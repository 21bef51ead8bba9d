import { type Endpoint, joinHostPort } from "@outrigger/core";

/** All endpoints of the lists, each address once. */
export function unionOf(lists: readonly (readonly Endpoint[])[]): readonly Endpoint[] {
  const [first = [], ...others] = lists;
  // Registries that know the same, in the same order, are the common case.
  if (others.every((list) => sameEndpoints(list, first))) return first;
  const union = new Map<string, Endpoint>();
  for (const endpoint of lists.flat()) {
    const address = joinHostPort(endpoint.host, endpoint.port);
    const known = union.get(address);
    // The same place twice: the account that tells its zone helps more.
    if (known === undefined || (known.zone === undefined && endpoint.zone !== undefined)) {
      union.set(address, endpoint);
    }
  }
  return [...union.values()];
}

/** True when both hold the same in the same order. */
export function sameEndpoints(one: readonly Endpoint[], other: readonly Endpoint[]): boolean {
  if (one === other) return true;
  if (one.length !== other.length) return false;
  return one.every((endpoint, index) => {
    const twin = other[index];
    return (
      endpoint === twin ||
      (endpoint.port === twin?.port && endpoint.host === twin.host && endpoint.zone === twin.zone)
    );
  });
}
