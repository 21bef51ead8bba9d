import type { ByteString, HeaderList } from "@outrigger/core";
import { canonicalHeaderName, headerName, namesInConnection } from "./header-name.ts";

/** Headers for an HTTP peer, and what was taken out on the way. */
export interface HttpHeadersResult {
  /** Canonical names, all values in order. Content type, length and trace context are left to the caller. */
  readonly headers: HeaderList;
  readonly traceparent: ByteString | undefined;
  readonly tracestate: ByteString | undefined;
  /** As in the metadata: base64. */
  readonly grpcTraceBin: ByteString | undefined;
  /** Declared length, not checked. */
  readonly contentLength: ByteString | undefined;
}

/** True when the metadata came from a gRPC client, which only the exact lower-case key tells. */
export function isGrpcOrigin(metadata: HeaderList): boolean {
  for (let index = 0; index + 1 < metadata.length; index += 2) {
    if (metadata[index] === "content-type") {
      return (metadata[index + 1] as ByteString).startsWith("application/grpc");
    }
  }
  return false;
}

/**
 * Internal metadata to HTTP headers, for requests to HTTP apps and for answers to HTTP clients
 * (Dapr `pkg/messaging/v1/util.go`, InternalMetadataToHTTPHeader).
 */
export function metadataToHttpHeaders(metadata: HeaderList): HttpHeadersResult {
  const connectionNames = namesInConnection(metadata);
  const headers: ByteString[] = [];
  let traceparent: ByteString | undefined;
  let tracestate: ByteString | undefined;
  let grpcTraceBin: ByteString | undefined;
  let contentLength: ByteString | undefined;
  let baggageSeen = false;
  for (let index = 0; index + 1 < metadata.length; index += 2) {
    const { lower, canonical, hopByHop } = headerName(metadata[index] as ByteString);
    const value = metadata[index + 1] as ByteString;
    switch (lower) {
      case "traceparent":
        traceparent ??= value;
        continue;
      case "tracestate":
        tracestate ??= value;
        continue;
      case "grpc-trace-bin":
        grpcTraceBin ??= value;
        continue;
      case "content-length":
        contentLength ??= value;
        continue;
      case "content-type":
      case "destination-app-id":
        continue;
      case "baggage":
        if (baggageSeen) continue;
        baggageSeen = true;
    }
    if (hopByHop || lower.endsWith("-bin") || connectionNames?.has(lower)) continue;
    headers.push(safeName(lower, canonical), value);
  }
  return { headers, traceparent, tracestate, grpcTraceBin, contentLength };
}

/** Names that mean something to gRPC or HTTP/2 reach HTTP peers under a `dapr-` prefix. */
function safeName(lower: ByteString, canonical: ByteString): ByteString {
  if (lower.startsWith("grpc-")) return canonicalHeaderName(`dapr-${lower}`);
  if (pseudoHeaders.has(lower)) return canonicalHeaderName(`dapr-${lower.slice(1)}`);
  return canonical;
}

const pseudoHeaders: ReadonlySet<string> = new Set([":method", ":scheme", ":path", ":authority"]);
