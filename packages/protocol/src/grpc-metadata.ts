import {
  type ByteString,
  goQuote,
  type HeaderList,
  OutriggerError,
  RpcCode,
} from "@outrigger/core";
import { decodeBase64, encodeUnpaddedBase64 } from "./base64.ts";
import { headerName } from "./header-name.ts";

/** Headers for a gRPC peer, and what was taken out on the way. */
export interface GrpcHeadersResult {
  /** Ready to send: lower-case names, `-bin` values in unpadded base64. Trace context is left to the caller. */
  readonly headers: HeaderList;
  readonly traceparent: ByteString | undefined;
  readonly tracestate: ByteString | undefined;
  /** As in the metadata: base64. */
  readonly grpcTraceBin: ByteString | undefined;
}

/** Headers that belong to the RPC itself; Go's gRPC library hides them from its users. */
const hiddenFromServers: ReadonlySet<string> = new Set([
  "te",
  "host",
  "grpc-timeout",
  "grpc-encoding",
  "grpc-message",
  "grpc-message-type",
  "grpc-status",
]);

/** Keys that Go's gRPC library does not send when its users set them. */
const reservedForClients: ReadonlySet<string> = new Set([
  "content-type",
  "user-agent",
  "te",
  "grpc-message-type",
  "grpc-encoding",
  "grpc-message",
  "grpc-status",
  "grpc-timeout",
]);

/** HTTP's permanent headers as Dapr lists them; only this exact spelling gets the `dapr-` prefix. */
const permanentHeaders: ReadonlySet<string> = new Set([
  "Accept",
  "Accept-Charset",
  "Accept-Language",
  "Accept-Ranges",
  "Connection",
  "Keep-Alive",
  "Proxy-Connection",
  "Transfer-Encoding",
  "Upgrade",
  "Cache-Control",
  "Content-Type",
  "Content-Length",
  "Cookie",
  "Date",
  "Expect",
  "From",
  "Host",
  "If-Match",
  "If-Modified-Since",
  "If-None-Match",
  "If-Schedule-Tag-Match",
  "If-Unmodified-Since",
  "Max-Forwards",
  "Origin",
  "Pragma",
  "Referer",
  "Via",
  "Warning",
]);

/**
 * Headers of a gRPC request or answer, as HTTP/2 delivered them, to internal metadata.
 * @throws OutriggerError `OTR_PROTOCOL_VIOLATION` when a `-bin` value is not base64.
 */
export function grpcMetadataToInternal(rawHeaders: HeaderList): HeaderList {
  const metadata: ByteString[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const { lower } = headerName(rawHeaders[index] as ByteString);
    const value = rawHeaders[index + 1] as ByteString;
    if (hiddenFromServers.has(lower)) continue;
    if (lower.startsWith(":") && lower !== ":authority") continue;
    if (!lower.endsWith("-bin")) metadata.push(lower, value);
    // HTTP/2 stacks may join repeated headers, and base64 has no comma (gRPC over HTTP/2, "Custom-Metadata").
    else for (const part of value.split(",")) metadata.push(lower, paddedBase64(lower, part));
  }
  return metadata;
}

function paddedBase64(name: ByteString, value: ByteString): ByteString {
  const bytes = decodeBase64(value.trim());
  if (bytes !== undefined) return bytes.toString("base64");
  throw badHeader(`malformed binary metadata ${goQuote(value)} in header ${goQuote(name)}`);
}

/**
 * Internal metadata to the headers of a gRPC message (Dapr `pkg/messaging/v1/util.go`,
 * InternalMetadataToGrpcMetadata, and what Go's gRPC library does when it sends them).
 * @param options.httpConversion prefix HTTP's permanent headers with `dapr-`: on for requests and response headers, off
 *   for trailers.
 * @throws OutriggerError `OTR_PROTOCOL_VIOLATION` (RPC code INTERNAL) for a key or value that gRPC cannot carry.
 */
export function metadataToGrpc(
  metadata: HeaderList,
  options: { readonly httpConversion: boolean },
): GrpcHeadersResult {
  const headers: ByteString[] = [];
  let traceparent: ByteString | undefined;
  let tracestate: ByteString | undefined;
  let grpcTraceBin: ByteString | undefined;
  for (let index = 0; index + 1 < metadata.length; index += 2) {
    const name = metadata[index] as ByteString;
    const value = metadata[index + 1] as ByteString;
    const { lower } = headerName(name);
    if (lower === "traceparent") traceparent ??= value;
    else if (lower === "tracestate") tracestate ??= value;
    else if (lower === "grpc-trace-bin") grpcTraceBin ??= value;
    else if (lower === "destination-app-id") continue;
    else if (options.httpConversion && permanentHeaders.has(name)) {
      pushGrpcHeader(headers, `dapr-${lower}`, name, value);
    } else pushGrpcHeader(headers, lower, name, value);
  }
  return { headers, traceparent, tracestate, grpcTraceBin };
}

function pushGrpcHeader(
  headers: ByteString[],
  key: ByteString,
  original: ByteString,
  value: ByteString,
): void {
  if (key.startsWith(":")) return;
  if (key === "") throw badHeader("there is an empty key in the header");
  if (/[^0-9a-z\-_.]/.test(key)) {
    throw badHeader(`header key ${goQuote(key)} contains illegal characters not in [0-9a-z-_.]`);
  }
  if (key.endsWith("-bin")) {
    // Only a gRPC origin has this exact ending, and its values were encoded on the way in.
    const bytes = original.endsWith("-bin") ? decodeBase64(value) : Buffer.from(value, "latin1");
    if (bytes !== undefined) headers.push(key, encodeUnpaddedBase64(bytes));
    return;
  }
  if (/[^\x20-\x7e]/.test(value)) {
    throw badHeader(
      `header key ${goQuote(key)} contains value with non-printable ASCII characters`,
    );
  }
  if (!reservedForClients.has(key)) headers.push(key, value);
}

function badHeader(message: string): OutriggerError {
  return new OutriggerError(message, {
    code: "OTR_PROTOCOL_VIOLATION",
    rpc: { code: RpcCode.INTERNAL, message },
  });
}
