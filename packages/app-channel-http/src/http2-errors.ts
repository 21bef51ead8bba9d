import { constants } from "node:http2";

/** Why a request over HTTP/2 got no whole answer, in the words of Go's HTTP client where it has some. */
export class Http2Failure extends Error {
  /** The app has certainly not begun to work on the request (RFC 9113 section 8.7). */
  readonly isUnprocessed: boolean;

  constructor(text: string, isUnprocessed: boolean, cause?: unknown) {
    super(text, { cause });
    this.isUnprocessed = isUnprocessed;
  }
}

/** The reset of one stream. */
export function resetFailure(streamId: number | undefined, code: number): Http2Failure {
  // Node's own reset for an answer with too many header fields.
  if (code === constants.NGHTTP2_ENHANCE_YOUR_CALM) return headTooLargeFailure();
  const name = codeNames[code] ?? `unknown error code 0x${code.toString(16)}`;
  const text = `stream error: stream ID ${streamId ?? 0}; ${name}; received from peer`;
  return new Http2Failure(text, false);
}

/** An answer whose head is beyond the limit that our SETTINGS announced. */
export function headTooLargeFailure(): Http2Failure {
  return new Http2Failure("http2: response header list larger than advertised limit", false);
}

/** A stream that the app refused before it looked at it. */
export function refusedFailure(streamId: number | undefined): Http2Failure {
  const text = `stream error: stream ID ${streamId ?? 0}; REFUSED_STREAM; received from peer`;
  return new Http2Failure(text, true);
}

/** The end of a whole connection with the request on it. */
export function lostFailure(isUnprocessed: boolean, cause?: unknown): Http2Failure {
  return new Http2Failure("unexpected EOF", isUnprocessed, cause);
}

/** RFC 9113 section 7. */
const codeNames: readonly string[] = [
  "NO_ERROR",
  "PROTOCOL_ERROR",
  "INTERNAL_ERROR",
  "FLOW_CONTROL_ERROR",
  "SETTINGS_TIMEOUT",
  "STREAM_CLOSED",
  "FRAME_SIZE_ERROR",
  "REFUSED_STREAM",
  "CANCEL",
  "COMPRESSION_ERROR",
  "CONNECT_ERROR",
  "ENHANCE_YOUR_CALM",
  "INADEQUATE_SECURITY",
  "HTTP_1_1_REQUIRED",
];
