import type { TraceContext } from "@outrigger/core";

/**
 * Ids for a request that came without a trace context: random, valid and not sampled.
 * @param random uniform in [0, 1).
 */
export function newTraceContext(random: () => number): TraceContext {
  const traceId = hex32(random) + hex32(random) + hex32(random) + hex32(random);
  const traceparent = `00-${traceId}-${hex32(random)}${hex32(random)}-00`;
  return { traceparent, tracestate: "", invented: true };
}

/** Eight hexadecimal digits, never all zero: an id of zeros is invalid. */
function hex32(random: () => number): string {
  const word = 1 + Math.floor(random() * 0xffff_fffe);
  return word.toString(16).padStart(8, "0");
}
