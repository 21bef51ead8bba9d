import type { CallSide } from "@outrigger/core";
import { type Edge, isSampled, longSlotMs, longSlots, type Party } from "./edge.ts";
import { quantiles } from "./histogram.ts";
import type { GraphSettings } from "./options.ts";
import { type OutcomeClass, outcomeClasses, successClasses } from "./outcome.ts";
import { newSum, type Sum } from "./rolling.ts";

/** A node at the end of an edge. */
export interface GraphParty {
  readonly appId: string;
  /** Empty for servers outside the mesh. */
  readonly namespace: string;
  /** `external` is a server outside the mesh, `other` stands for everything that found no room. */
  readonly kind: "app" | "external" | "other";
}

/** Latency quantiles in milliseconds, at most 6 % off. */
export interface Latency {
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
}

/** The calls of a stretch of time. */
export interface GraphWindow {
  /** 10000, 60000 or 300000. */
  readonly windowMs: number;
  /** Time that the counts cover, in milliseconds: up to a fifth more than the window, or less at first. */
  readonly spanMs: number;
  readonly calls: number;
  readonly errors: number;
  readonly retries: number;
  /** Calls per second. */
  readonly rate: number;
  /** Counts of the classes that occurred. */
  readonly byClass: Partial<Record<OutcomeClass, number>>;
  /** Left out when no call ended. */
  readonly latency?: Latency;
}

/** 20 seconds of the past. */
export interface HistoryPoint extends Partial<Latency> {
  /** Begin, in milliseconds since the epoch. */
  readonly at: number;
  readonly calls: number;
  readonly errors: number;
}

/** Calls of one caller to one callee with one class of operation, as one sidecar saw them. */
export interface GraphEdge {
  /** Which end this sidecar is. */
  readonly side: CallSide;
  readonly caller: GraphParty;
  readonly callee: GraphParty;
  /** HTTP verb, `other`, or `gRPC`. */
  readonly operation: string;
  /** On the callee's side: whether the caller's identity was proven by its certificate. */
  readonly proven: boolean;
  readonly inFlight: number;
  /** Calls and errors since the edge is known. */
  readonly total: number;
  readonly errors: number;
  /** Milliseconds since the epoch. */
  readonly lastUsedAt: number;
  /** `host:port` of the instance that the newest call went to. */
  readonly endpoint?: string;
  readonly windows: readonly GraphWindow[];
  readonly lastError?: { readonly code: string; readonly text: string; readonly at: number };
  readonly slowest?: {
    readonly traceId: string;
    /** Only a sampled trace can be found where traces are kept. */
    readonly sampled: boolean;
    readonly durationMs: number;
    readonly at: number;
  };
  /** The last five minutes, oldest first; only when asked for. */
  readonly history?: readonly HistoryPoint[];
}

/** What one sidecar saw. */
export interface CallGraphSnapshot {
  readonly version: 1;
  readonly appId: string;
  readonly namespace: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly maxEdges: number;
  /** Calls that shared an edge because the table was full. */
  readonly overflowed: number;
  readonly edges: readonly GraphEdge[];
}

const windows = [10_000, 60_000, 300_000] as const;

/** Turns counts into a snapshot. */
export class SnapshotWriter {
  readonly #settings: GraphSettings;
  readonly #sum: Sum = newSum();
  readonly #startedMs: number;

  constructor(settings: GraphSettings) {
    this.#settings = settings;
    this.#startedMs = settings.now();
  }

  write(state: {
    readonly edges: readonly Edge[];
    readonly overflowed: number;
    readonly history: boolean;
  }): CallGraphSnapshot {
    const { appId, namespace, maxEdges } = this.#settings;
    const nowMs = this.#settings.now();
    const at = this.#settings.epochMs();
    const offset = at - nowMs;
    return {
      ...{ version: 1, appId, namespace, at: Math.round(at), maxEdges },
      overflowed: state.overflowed,
      edges: state.edges.map((edge) => this.#edge(edge, nowMs, offset, state.history)),
    };
  }

  #edge(edge: Edge, nowMs: number, offset: number, history: boolean): GraphEdge {
    const { side, peer, operation } = edge.key;
    const { appId, namespace } = this.#settings;
    const own: GraphParty = { appId, namespace, kind: "app" };
    const { endpoint } = edge;
    return {
      side,
      caller: side === "caller" ? own : partyOf(peer, edge.isExternal),
      callee: side === "caller" ? partyOf(peer, edge.isExternal) : own,
      operation,
      proven: edge.isProven,
      inFlight: edge.inFlight,
      total: edge.total,
      errors: edge.errors,
      lastUsedAt: Math.round(edge.lastUsedMs + offset),
      ...(endpoint === undefined ? {} : { endpoint: joined(endpoint) }),
      windows: windows.map((windowMs) => this.#window(edge, windowMs, nowMs)),
      ...errorOf(edge, offset),
      ...slowestOf(edge, offset),
      ...(history ? { history: this.#history(edge, nowMs, offset) } : {}),
    };
  }

  #window(edge: Edge, windowMs: number, nowMs: number): GraphWindow {
    const sum = this.#sum;
    (windowMs === windows[0] ? edge.short : edge.long).sum(nowMs, windowMs, sum);
    const spanMs = Math.max(1, Math.min(sum.spanMs, nowMs - this.#startedMs));
    const { calls, errors } = countsOf(sum);
    return {
      ...{ windowMs, spanMs: Math.round(spanMs), calls, errors, retries: sum.retries },
      rate: round(calls / (spanMs / 1_000)),
      byClass: classesOf(sum),
      ...latencyOf(sum),
    };
  }

  #history(edge: Edge, nowMs: number, offset: number): readonly HistoryPoint[] {
    const current = Math.floor(nowMs / longSlotMs);
    const points: HistoryPoint[] = [];
    for (let age = longSlots - 1; age >= 0; age -= 1) {
      const beginMs = (current - age) * longSlotMs;
      if (beginMs + longSlotMs <= this.#startedMs) continue;
      edge.long.sumOne(nowMs, age, this.#sum);
      const { latency } = latencyOf(this.#sum);
      points.push({ at: Math.round(beginMs + offset), ...countsOf(this.#sum), ...latency });
    }
    return points;
  }
}

function partyOf({ name, namespace }: Party, isExternal: boolean): GraphParty {
  if (isExternal) return { appId: name, namespace: "", kind: "external" };
  // No app has an empty namespace: this is the common edge, or a target that cannot be read.
  return { appId: name, namespace, kind: namespace === "" ? "other" : "app" };
}

function countsOf({ classes }: Sum): { readonly calls: number; readonly errors: number } {
  let calls = 0;
  let errors = 0;
  for (const [at, count] of classes.entries()) {
    calls += count;
    if (at >= successClasses) errors += count;
  }
  return { calls, errors };
}

function classesOf({ classes }: Sum): Partial<Record<OutcomeClass, number>> {
  const counts: Partial<Record<OutcomeClass, number>> = {};
  for (const [at, name] of outcomeClasses.entries()) {
    if (classes[at] !== 0) counts[name] = classes[at] ?? 0;
  }
  return counts;
}

function latencyOf({ latencies }: Sum): { readonly latency?: Latency } {
  const found = quantiles(latencies, [0.5, 0.9, 0.99]);
  if (found === undefined) return {};
  const [p50Ms, p90Ms, p99Ms] = found.map(round) as [number, number, number];
  return { latency: { p50Ms, p90Ms, p99Ms } };
}

function errorOf(
  { errorCode: code, errorText: text, erroredAtMs }: Edge,
  offset: number,
): Pick<GraphEdge, "lastError"> {
  if (code === "") return {};
  return { lastError: { code, text, at: Math.round(erroredAtMs + offset) } };
}

function slowestOf(edge: Edge, offset: number): Pick<GraphEdge, "slowest"> {
  const { slowestTrace: trace, slowestMs, slowestAtMs } = edge;
  if (trace === undefined) return {};
  const traceId = trace.traceparent.slice(3, 35);
  const at = Math.round(slowestAtMs + offset);
  return { slowest: { traceId, sampled: isSampled(trace), durationMs: round(slowestMs), at } };
}

function joined({ host, port }: { readonly host: string; readonly port: number }): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Three significant digits are more than the buckets know. */
function round(value: number): number {
  return Number(value.toPrecision(3));
}
