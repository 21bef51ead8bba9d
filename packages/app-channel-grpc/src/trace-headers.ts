import type { HeaderList, TraceContext } from "@outrigger/core";
import {
  decodeTraceBin,
  encodeTraceBin,
  formatTraceparent,
  type GrpcHeadersResult,
  newTraceContext,
  parseTraceparent,
} from "@outrigger/protocol";

/**
 * Trace context for a gRPC app: the client's own where it sent one, else the sidecar's (Dapr
 * `pkg/messaging/v1/util.go`).
 * @param always whether there is one when nobody traces: a made-up one then.
 */
export function traceHeaders(
  { traceparent, tracestate, grpcTraceBin }: GrpcHeadersResult,
  own: TraceContext | undefined,
  always: boolean,
): HeaderList {
  if (grpcTraceBin !== undefined && grpcTraceBin !== "") {
    const span = decodeTraceBin(grpcTraceBin);
    if (span !== undefined) {
      return ["traceparent", formatTraceparent(span), "grpc-trace-bin", encodeTraceBin(span)];
    }
  }
  const made = always && own === undefined ? newTraceContext(Math.random) : own;
  const text = traceparent ?? made?.traceparent;
  const span = text === undefined ? undefined : parseTraceparent(text);
  if (text === undefined || span === undefined) return [];
  const state = traceparent === undefined ? made?.tracestate : tracestate;
  const headers = ["traceparent", text, "grpc-trace-bin", encodeTraceBin(span)];
  return state === undefined || state === "" ? headers : [...headers, "tracestate", state];
}
