import { RpcCode } from "@outrigger/core";

/**
 * Who decided how a call ended. Only `peer` is an answer of the other side; the others are made
 * here: no connection or a broken one, the caller's own deadline, the caller's own signal, and a
 * request body that failed while it was being sent.
 */
export type GrpcStatusOrigin = "peer" | "connection" | "deadline" | "abort" | "request";

/** How a call ended. Every failure is a status, also those that no peer sent. */
export interface GrpcStatus {
  readonly code: number;
  readonly message: string;
  /** Serialised `google.rpc.Status`, the value of `grpc-status-details-bin`. */
  readonly detailsBin?: Uint8Array | undefined;
  /** Absent means `peer`. */
  readonly origin?: GrpcStatusOrigin | undefined;
  readonly cause?: unknown;
}

/** Success. */
export const okStatus: GrpcStatus = { code: RpcCode.OK, message: "" };

/** Status of an answer without `grpc-status`, by its HTTP status (gRPC `http-grpc-status-mapping.md`). */
export function statusOfHttp(httpStatus: number): GrpcStatus {
  return {
    code: httpCodes[httpStatus] ?? RpcCode.UNKNOWN,
    message: `unexpected HTTP status code received from server: ${httpStatus}`,
  };
}

const httpCodes: Readonly<Record<number, number>> = {
  400: RpcCode.INTERNAL,
  401: RpcCode.UNAUTHENTICATED,
  403: RpcCode.PERMISSION_DENIED,
  404: RpcCode.UNIMPLEMENTED,
  429: RpcCode.UNAVAILABLE,
  502: RpcCode.UNAVAILABLE,
  503: RpcCode.UNAVAILABLE,
  504: RpcCode.UNAVAILABLE,
};

/** Names and meanings of HTTP/2 error codes (RFC 9113 section 7; gRPC `PROTOCOL-HTTP2.md`). */
const resets: readonly (readonly [name: string, code: number])[] = [
  ["NO_ERROR", RpcCode.INTERNAL],
  ["PROTOCOL_ERROR", RpcCode.INTERNAL],
  ["INTERNAL_ERROR", RpcCode.INTERNAL],
  ["FLOW_CONTROL_ERROR", RpcCode.INTERNAL],
  ["SETTINGS_TIMEOUT", RpcCode.INTERNAL],
  ["STREAM_CLOSED", RpcCode.UNKNOWN],
  ["FRAME_SIZE_ERROR", RpcCode.INTERNAL],
  ["REFUSED_STREAM", RpcCode.UNAVAILABLE],
  ["CANCEL", RpcCode.CANCELLED],
  ["COMPRESSION_ERROR", RpcCode.INTERNAL],
  ["CONNECT_ERROR", RpcCode.INTERNAL],
  ["ENHANCE_YOUR_CALM", RpcCode.RESOURCE_EXHAUSTED],
  ["INADEQUATE_SECURITY", RpcCode.PERMISSION_DENIED],
  ["HTTP_1_1_REQUIRED", RpcCode.INTERNAL],
];

/** Status of a stream that the peer reset. */
export function statusOfReset(errorCode: number): GrpcStatus {
  const [name, code] = resets[errorCode] ?? [String(errorCode), RpcCode.UNKNOWN];
  return { code, message: `stream terminated by RST_STREAM with error code: ${name}` };
}

/** Percent-encodes a status message for the `grpc-message` header (gRPC `PROTOCOL-HTTP2.md`). */
export function encodeGrpcMessage(text: string): string {
  if (/^[ -$&-~]*$/.test(text)) return text;
  let encoded = "";
  for (const byte of Buffer.from(text, "utf8")) {
    encoded +=
      byte >= 0x20 && byte <= 0x7e && byte !== 0x25
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return encoded;
}

/** Reads a `grpc-message` header. Broken escapes stay as they are, as the specification asks. */
export function decodeGrpcMessage(header: string): string {
  if (!header.includes("%")) return Buffer.from(header, "latin1").toString("utf8");
  const bytes = Buffer.from(header, "latin1");
  let length = 0;
  for (let index = 0; index < bytes.length; index += 1) {
    const digits = bytes[index] === 0x25 ? header.slice(index + 1, index + 3) : "";
    const escaped = /^[0-9a-fA-F]{2}$/.test(digits);
    bytes[length] = escaped ? Number.parseInt(digits, 16) : (bytes[index] as number);
    length += 1;
    if (escaped) index += 2;
  }
  return bytes.toString("utf8", 0, length);
}
