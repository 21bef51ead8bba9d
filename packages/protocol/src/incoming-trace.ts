import { type HeaderList, headerValue, type TraceContext } from "@outrigger/core";
import { isInvented } from "./new-trace.ts";
import { decodeTraceBin, formatTraceparent, parseTraceparent } from "./trace-context.ts";
import { parseTracestate } from "./tracestate.ts";

/** The context that an HTTP request came with. One that is not valid, or made up, counts as absent. */
export function httpTrace(headers: HeaderList): TraceContext | undefined {
  const traceparent = headerValue(headers, "traceparent");
  if (traceparent === undefined || !isParent(traceparent)) return undefined;
  const tracestate = headerValue(headers, "tracestate");
  return { traceparent, tracestate: tracestate === undefined ? "" : parseTracestate(tracestate) };
}

/**
 * The context that an RPC came with: binary where there is a binary one, valid or not, else text. The
 * `tracestate` is not read, and a made-up context is no parent (Dapr `pkg/diagnostics/grpc_tracing.go`).
 */
export function grpcTrace(headers: HeaderList): TraceContext | undefined {
  const binary = headerValue(headers, "grpc-trace-bin");
  if (binary === undefined) {
    const text = headerValue(headers, "traceparent");
    return text !== undefined && isParent(text) ? { traceparent: text, tracestate: "" } : undefined;
  }
  const span = decodeTraceBin(binary);
  if (span === undefined) return undefined;
  const traceparent = formatTraceparent(span);
  // Binary contexts may have ids of zeros, which are none.
  return isParent(traceparent) ? { traceparent, tracestate: "" } : undefined;
}

function isParent(traceparent: string): boolean {
  return parseTraceparent(traceparent) !== undefined && !isInvented(traceparent);
}
