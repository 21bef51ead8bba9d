import type { CallSide, InvokeRequest } from "@outrigger/core";
import { Edge, type EdgeKey, type Party } from "./edge.ts";

/** The operation classes: verbs that HTTP knows, one for all others, and gRPC. */
const operations = [
  ...["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "CONNECT"],
  ...["other", "gRPC"],
] as const;
const otherVerb = operations.indexOf("other");
const grpc = operations.indexOf("gRPC");
const verbs: ReadonlyMap<string, number> = new Map(
  operations.slice(0, otherVerb).map((verb, at) => [verb, at]),
);

/** Names that are longer are nobody's: they go to the common edge. */
const maxNameLength = 512;

/** An edge that nobody used for this long may make room for another. */
const idleMs = 300_000;

/** How often the table is searched for such edges, at most. */
const sweepEveryMs = 1_000;

type Row = (Edge | undefined)[];

/** What the names of a peer mean; read only when an edge is new. */
export type ReadPeer = (
  name: string,
  namespace: string,
) => Party & { readonly isExternal: boolean };

/**
 * The edges of one side, in a table of fixed size. Calls that find no room share one edge, whose
 * peer is called `other`.
 */
export class EdgeTable {
  readonly #side: CallSide;
  readonly #limit: { readonly most: number; used: number };
  readonly #readPeer: ReadPeer;
  /** By namespace (as said on the wire), then name; a row has one place per operation. */
  readonly #rows = new Map<string, Map<string, Row>>();
  readonly #other: Row = [];
  #sweptAtMs = Number.NEGATIVE_INFINITY;
  /** Calls that had to share the common edge. */
  overflowed = 0;

  /** @param limit shared with the table of the other side. */
  constructor(side: CallSide, limit: { readonly most: number; used: number }, readPeer: ReadPeer) {
    this.#side = side;
    this.#limit = limit;
    this.#readPeer = readPeer;
  }

  /** The edge of a call. Allocates only when the edge is new. */
  find(call: InvokeRequest, name: string, namespace: string, nowMs: number): Edge {
    const operation = operationOf(call);
    return (
      this.#rows.get(namespace)?.get(name)?.[operation] ??
      this.#add(name, namespace, operation, nowMs)
    );
  }

  /** All edges, the common ones last. */
  *edges(): Iterable<Edge> {
    for (const names of this.#rows.values()) for (const row of names.values()) yield* used(row);
    yield* used(this.#other);
  }

  #add(name: string, namespace: string, operation: number, nowMs: number): Edge {
    if (!this.#hasRoom(nowMs) || name.length + namespace.length > maxNameLength) {
      this.overflowed += 1;
      const key = this.#key({ name: "other", namespace: "" }, operation);
      const known = this.#other[operation];
      if (known !== undefined) return known;
      return put(this.#other, operation, new Edge(key, false, nowMs));
    }
    const { isExternal, ...peer } = this.#readPeer(name, namespace);
    const edge = new Edge(this.#key(peer, operation), isExternal, nowMs);
    const names = this.#rows.get(namespace) ?? new Map<string, Row>();
    const row = names.get(name) ?? [];
    this.#rows.set(namespace, names);
    names.set(name, row);
    this.#limit.used += 1;
    return put(row, operation, edge);
  }

  #key(peer: Party, operation: number): EdgeKey {
    return { side: this.#side, peer, operation: operations[operation] as string };
  }

  #hasRoom(nowMs: number): boolean {
    const { most, used: count } = this.#limit;
    if (count < most) return true;
    if (nowMs - this.#sweptAtMs < sweepEveryMs) return false;
    this.#sweptAtMs = nowMs;
    for (const [namespace, names] of this.#rows) this.#sweep(namespace, names, nowMs);
    return this.#limit.used < most;
  }

  #sweep(namespace: string, names: Map<string, Row>, nowMs: number): void {
    for (const [name, row] of names) {
      for (const [operation, edge] of row.entries()) {
        if (edge === undefined || edge.inFlight > 0 || nowMs - edge.lastUsedMs < idleMs) continue;
        row[operation] = undefined;
        this.#limit.used -= 1;
      }
      if (row.every((edge) => edge === undefined)) names.delete(name);
    }
    if (names.size === 0) this.#rows.delete(namespace);
  }
}

function operationOf({ http }: InvokeRequest): number {
  if (http === undefined || http.verb === "") return grpc;
  return verbs.get(http.verb) ?? otherVerb;
}

function put(row: Row, operation: number, edge: Edge): Edge {
  row[operation] = edge;
  return edge;
}

function used(row: Row): readonly Edge[] {
  return row.filter((edge) => edge !== undefined);
}
