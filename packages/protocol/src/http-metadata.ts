import type { ByteString, HeaderList } from "@outrigger/core";
import { headerName, namesInConnection } from "./header-name.ts";

/**
 * Headers of an HTTP request as they travel between sidecars: canonical names, every value in
 * order. Only what Go's HTTP server takes out itself is missing: `Host`, `Transfer-Encoding`, and
 * `Trailer` on chunked requests. Stripping hop-by-hop headers is the callee's work.
 */
export function toHttpMetadata(rawHeaders: HeaderList): HeaderList {
  const chunked = isChunked(rawHeaders);
  const metadata: ByteString[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const { lower, canonical } = headerName(rawHeaders[index] as ByteString);
    if (lower === "host" || lower === "transfer-encoding") continue;
    if (chunked && lower === "trailer") continue;
    // HTTP/2 pseudo-headers are the request line, not headers.
    if (lower.startsWith(":")) continue;
    metadata.push(canonical, rawHeaders[index + 1] as ByteString);
  }
  return metadata;
}

function isChunked(rawHeaders: HeaderList): boolean {
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const { lower } = headerName(rawHeaders[index] as ByteString);
    if (lower === "transfer-encoding") {
      return /chunked/i.test(rawHeaders[index + 1] as ByteString);
    }
  }
  return false;
}

/**
 * Headers of the app's HTTP answer as they travel back: canonical names, without hop-by-hop headers, those
 * named in `Connection`, and `Content-Length`, which the body's stream replaces.
 */
export function appResponseHeaders(rawHeaders: HeaderList): HeaderList {
  const connectionNames = namesInConnection(rawHeaders);
  const headers: ByteString[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const { lower, canonical, hopByHop } = headerName(rawHeaders[index] as ByteString);
    if (hopByHop || lower === "content-length" || lower.startsWith(":")) continue;
    if (connectionNames?.has(lower)) continue;
    headers.push(canonical, rawHeaders[index + 1] as ByteString);
  }
  return headers;
}
