import type { CallGraphSnapshot, GraphEdge, GraphWindow } from "@outrigger/call-graph";
import * as v from "valibot";

/** An edge as a console works with it: any text may be the name of a class. */
export interface SnapshotEdge extends Omit<GraphEdge, "windows"> {
  readonly windows: readonly (Omit<GraphWindow, "byClass"> & {
    readonly byClass: Readonly<Record<string, number>>;
  })[];
}

/** What a sidecar sent. */
export interface Snapshot extends Omit<CallGraphSnapshot, "edges"> {
  readonly edges: readonly SnapshotEdge[];
}

const count = v.pipe(v.number(), v.finite());
const text = v.pipe(v.string(), v.maxLength(1_024));

const party = v.object({
  appId: text,
  namespace: text,
  kind: v.picklist(["app", "external", "other"]),
});

const latency = v.object({ p50Ms: count, p90Ms: count, p99Ms: count });

const callWindow = v.object({
  ...{ windowMs: count, spanMs: count, calls: count, errors: count, retries: count, rate: count },
  byClass: v.record(text, count),
  latency: v.exactOptional(latency),
});

const point = v.object({
  ...{ at: count, calls: count, errors: count },
  ...{
    p50Ms: v.exactOptional(count),
    p90Ms: v.exactOptional(count),
    p99Ms: v.exactOptional(count),
  },
});

const edge = v.object({
  side: v.picklist(["caller", "callee"]),
  ...{ caller: party, callee: party, operation: text, proven: v.boolean() },
  ...{ inFlight: count, total: count, errors: count, lastUsedAt: count },
  endpoint: v.exactOptional(text),
  windows: v.pipe(v.array(callWindow), v.maxLength(8)),
  lastError: v.exactOptional(v.object({ code: text, text, at: count })),
  slowest: v.exactOptional(
    v.object({
      traceId: v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/)),
      ...{ sampled: v.boolean(), durationMs: count, at: count },
    }),
  ),
  history: v.exactOptional(v.pipe(v.array(point), v.maxLength(64))),
});

const schema: v.GenericSchema<Snapshot> = v.object({
  version: v.literal(1),
  ...{ appId: text, namespace: text, at: count, maxEdges: count, overflowed: count },
  edges: v.pipe(v.array(edge), v.maxLength(20_000)),
});

/** What came from a port that may belong to anything. @throws Error when it is no snapshot. */
export function readSnapshot(value: unknown): Snapshot {
  const result = v.safeParse(schema, value);
  if (!result.success) throw new Error("it answers, but not with a call graph");
  return result.output;
}
