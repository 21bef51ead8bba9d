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
 * `tracestate` by which sidecars of Outrigger tell each other that a context was made up. Alone it
 * counts for nothing (W3C Trace Context, section 3.3), so that others decide by themselves.
 */
export function inventedTracestate(traceparent: string): string {
  return `outrigger=${traceparent}`;
}

/** The context that an Outrigger sidecar made up, where its `tracestate` tells one. */
export function inventedTrace(headers: HeaderList): TraceContext | undefined {
  const [key, traceparent = ""] = headerValue(headers, "tracestate")?.split("=") ?? [];
  if (key !== "outrigger" || parseTraceparent(traceparent) === undefined) return undefined;
  return { traceparent, tracestate: "", invented: true };
}

/**
 * The context that an RPC came with: binary where there is a binary one, valid or not, else text. The
 * `tracestate` is not read, and a made-up context is no parent (Dapr `pkg/diagnostics/grpc_tracing.go`).
 */
export function grpcTrace(headers: HeaderList): TraceContext | undefined {
  if (inventedTrace(headers) !== undefined) return undefined;
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
