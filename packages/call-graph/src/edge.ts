import type { CallSide, Endpoint, TraceContext } from "@outrigger/core";
import { Rolling } from "./rolling.ts";

/** One end of an edge. */
export interface Party {
  /** App id; for a server outside the mesh its origin or the endpoint's name. */
  readonly name: string;
  /** Empty for servers outside the mesh. */
  readonly namespace: string;
}

/** What makes an edge. */
export interface EdgeKey {
  readonly side: CallSide;
  /** The other end. */
  readonly peer: Party;
  /** HTTP verb, or `gRPC`. */
  readonly operation: string;
}

/** A slow call is forgotten after this, so that the slowest one is a recent one. */
const slowestLifetimeMs = 300_000;

/** Slots for short windows: they cover 10 s. */
export const shortSlotMs = 2_000;
/** Slots for long windows: they cover 5 minutes. */
export const longSlotMs = 20_000;
export const longSlots = 16;

/** The counts of one edge. */
export class Edge {
  readonly key: EdgeKey;
  readonly short: Rolling = new Rolling(shortSlotMs, 6);
  readonly long: Rolling = new Rolling(longSlotMs, longSlots);
  /** Calls since the edge is known. */
  total = 0;
  errors = 0;
  inFlight = 0;
  /** On the clock of the graph. */
  lastUsedMs: number;
  readonly firstUsedMs: number;
  /** Where the newest call went, as far as this side knows. */
  endpoint: Endpoint | undefined = undefined;
  /** True once a call's target turned out to be outside the mesh. */
  isExternal: boolean;
  /** True when the newest call came with a proven identity. */
  isProven = false;
  errorCode = "";
  errorText = "";
  erroredAtMs = 0;
  slowestMs = 0;
  slowestAtMs = 0;
  slowestTrace: TraceContext | undefined = undefined;

  constructor(key: EdgeKey, isExternal: boolean, nowMs: number) {
    this.key = key;
    this.isExternal = isExternal;
    this.firstUsedMs = nowMs;
    this.lastUsedMs = nowMs;
  }

  /** Keeps the slowest of the last minutes; one that was sampled comes before others. */
  offerTrace(trace: TraceContext, durationMs: number, nowMs: number): void {
    const known = this.slowestTrace;
    if (known !== undefined && nowMs - this.slowestAtMs < slowestLifetimeMs) {
      const [had, has] = [isSampled(known), isSampled(trace)];
      if (had === has ? durationMs <= this.slowestMs : had) return;
    }
    this.slowestTrace = trace;
    this.slowestMs = durationMs;
    this.slowestAtMs = nowMs;
  }
}

/** The lowest bit of the flags (W3C Trace Context). */
export function isSampled({ traceparent }: TraceContext): boolean {
  return "13579bdf".includes(traceparent[54] ?? "-");
}
