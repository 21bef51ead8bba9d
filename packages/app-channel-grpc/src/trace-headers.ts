import type { HeaderList, TraceContext } from "@outrigger/core";
import {
  decodeTraceBin,
  encodeTraceBin,
  formatTraceparent,
  type GrpcHeadersResult,
  parseTraceparent,
} from "@outrigger/protocol";

/**
 * Trace context for a gRPC app: the client's own where it sent one, else the sidecar's (Dapr
 * `pkg/messaging/v1/util.go`).
 */
export function traceHeaders(
  { traceparent, tracestate, grpcTraceBin }: GrpcHeadersResult,
  own: TraceContext | undefined,
): HeaderList {
  if (grpcTraceBin !== undefined && grpcTraceBin !== "") {
    const span = decodeTraceBin(grpcTraceBin);
    if (span !== undefined) {
      return ["traceparent", formatTraceparent(span), "grpc-trace-bin", encodeTraceBin(span)];
    }
  }
  const text = traceparent ?? own?.traceparent;
  const span = text === undefined ? undefined : parseTraceparent(text);
  if (text === undefined || span === undefined) return [];
  const state = traceparent === undefined ? own?.tracestate : tracestate;
  const headers = ["traceparent", text, "grpc-trace-bin", encodeTraceBin(span)];
  return state === undefined || state === "" ? headers : [...headers, "tracestate", state];
}
