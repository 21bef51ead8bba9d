import { type HeaderList, headerValue, type TraceContext } from "@outrigger/core";
import { decodeTraceBin, formatTraceparent, parseTraceparent } from "./trace-context.ts";
import { parseTracestate } from "./tracestate.ts";

/** The context that an HTTP request came with. A context that is not valid counts as absent. */
export function httpTrace(headers: HeaderList): TraceContext | undefined {
  const traceparent = headerValue(headers, "traceparent");
  if (traceparent === undefined || parseTraceparent(traceparent) === undefined) return undefined;
  const tracestate = headerValue(headers, "tracestate");
  return { traceparent, tracestate: tracestate === undefined ? "" : parseTracestate(tracestate) };
}

/**
 * The context that an RPC came with: binary where there is a binary one, valid or not, else text. The
 * `tracestate` is not read (Dapr `pkg/diagnostics/grpc_tracing.go`).
 */
export function grpcTrace(headers: HeaderList): TraceContext | undefined {
  const binary = headerValue(headers, "grpc-trace-bin");
  if (binary === undefined) {
    const text = headerValue(headers, "traceparent");
    if (text === undefined || parseTraceparent(text) === undefined) return undefined;
    return { traceparent: text, tracestate: "" };
  }
  const span = decodeTraceBin(binary);
  if (span === undefined) return undefined;
  const traceparent = formatTraceparent(span);
  // Binary contexts may have ids of zeros, which are none.
  return parseTraceparent(traceparent) === undefined ? undefined : { traceparent, tracestate: "" };
}
