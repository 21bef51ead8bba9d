import type { TraceContext } from "@outrigger/core";
import { parseTraceparent } from "./trace-context.ts";

/**
 * Ids for a request that came without a trace context, where nobody traces: random, valid and not
 * sampled. App and client get them; `isInvented` tells them from those of a real trace, wherever they
 * come from: a sidecar that traces must not take them for a parent, which would keep it from sampling.
 * @param random uniform in [0, 1).
 */
export function newTraceContext(random: () => number): TraceContext {
  const [high, low] = [randomWord(random), randomWord(random)];
  const traceId = hex(randomWord(random)) + hex(randomWord(random)) + hex(high) + hex(low);
  return { traceparent: `00-${traceId}-${hex(~high)}${hex(~low)}-00`, tracestate: "" };
}

/** Whether a sidecar made up this context. One of a real trace looks like it once in 2^64 times. */
export function isInvented(traceparent: string): boolean {
  const span = parseTraceparent(traceparent);
  if (span === undefined || span.flags !== 0) return false;
  const { traceId, spanId } = span;
  const isComplement = (at: number): boolean =>
    spanId.slice(at, at + 8) === hex(~Number.parseInt(traceId.slice(at + 16, at + 24), 16));
  return isComplement(0) && isComplement(8);
}

/** 32 bits, neither all 0 nor all 1: an id of zeros is invalid. */
function randomWord(random: () => number): number {
  return 1 + Math.floor(random() * 0xffff_fffe);
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, "0");
}
