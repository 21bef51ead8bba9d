import type { OutgoingHttpHeaders } from "node:http2";
import type { HeaderList } from "@outrigger/core";
import { encodeGrpcMessage, type GrpcStatus } from "./status.ts";

/** Names that HTTP/2 forbids (RFC 9113 section 8.2.2) or that this package sets itself. */
const reserved: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
  "host",
  "te",
  "content-type",
  "grpc-timeout",
  "grpc-status",
  "grpc-message",
  "grpc-status-details-bin",
]);

/**
 * What nghttp2, the library in node:http2, can receive: 64 KiB in one value (`NGHTTP2_HD_MAX_NV`) and
 * a header block of eight continuation frames of 16 KiB. More would break the whole session and all its calls, so
 * it is refused here, for its own call only.
 */
const maxValueBytes = 65_536;
const maxListBytes = 8 * 16_384;

/** Longest texts of a status. An error must fit into the trailers, whatever it wants to say. */
const maxStatusMessageBytes = 16_384;
const maxDetailsBytes = 32_768;

/**
 * Adds a list to headers of node:http2. Names must be lower case; pseudo headers are left out.
 * @throws RangeError when a peer could not receive them.
 */
export function addHeaders(target: OutgoingHttpHeaders, list: HeaderList): OutgoingHttpHeaders {
  let bytes = 0;
  for (let index = 0; index < list.length; index += 2) {
    const name = list[index] as string;
    const value = list[index + 1] as string;
    if (name.startsWith(":") || reserved.has(name)) continue;
    bytes += name.length + value.length;
    if (value.length > maxValueBytes || bytes > maxListBytes) {
      throw new RangeError(`headers are too large to send: ${name}`);
    }
    const present = target[name];
    if (present === undefined) target[name] = value;
    else if (Array.isArray(present)) present.push(value);
    else target[name] = [String(present), value];
  }
  return target;
}

/** Headers or trailers that carry a status. */
export function addStatus(target: OutgoingHttpHeaders, status: GrpcStatus): OutgoingHttpHeaders {
  target["grpc-status"] = String(status.code);
  if (status.message !== "") {
    target["grpc-message"] = encodeGrpcMessage(status.message).slice(0, maxStatusMessageBytes);
  }
  if (status.detailsBin !== undefined && status.detailsBin.length <= maxDetailsBytes) {
    target["grpc-status-details-bin"] = encodeBinary(status.detailsBin);
  }
  return target;
}

/** Value of a `-bin` header: base64 without padding, as Go's gRPC library writes it. */
export function encodeBinary(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    .toString("base64")
    .replace(/=+$/, "");
}
