import { decodeBase64, encodeUnpaddedBase64 } from "./base64.ts";

/** Identity of a span, independent of how it is written. */
export interface SpanContext {
  /** 32 lower-case hex digits. */
  readonly traceId: string;
  /** 16 lower-case hex digits; zeros when a binary context has none. */
  readonly spanId: string;
  /** One byte; bit 0 is "sampled". */
  readonly flags: number;
}

const traceparentPattern = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-((?:[0-9a-f]{2})+)(-.*)?$/;

/**
 * Parses a `traceparent` header (W3C Trace Context, section 3.2). Version `ff`, ids of zeros only and upper-case ids are
 * refused; version `00` has exactly four parts and later ones may have more.
 * @returns `undefined` when the text is not valid, which counts as absent.
 */
export function parseTraceparent(text: string): SpanContext | undefined {
  const match = traceparentPattern.exec(text);
  if (match === null) return undefined;
  const [, version, traceId = "", spanId = "", flags = "", rest] = match;
  if (version === "ff" || /^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  if (version === "00" && (rest !== undefined || flags.length !== 2)) return undefined;
  return { traceId, spanId, flags: Number.parseInt(flags.slice(0, 2), 16) };
}

/** Writes a `traceparent` header of version 00. */
export function formatTraceparent(context: SpanContext): string {
  const flags = (context.flags & 0xff).toString(16).padStart(2, "0");
  return `00-${context.traceId}-${context.spanId}-${flags}`;
}

/** Value of the metadata key `grpc-trace-bin`: 29 bytes in unpadded base64. */
export function encodeTraceBin(context: SpanContext): string {
  const bytes = Buffer.alloc(29);
  bytes.write(context.traceId, 2, 16, "hex");
  bytes[18] = 1;
  bytes.write(context.spanId, 19, 8, "hex");
  bytes[27] = 2;
  bytes[28] = context.flags & 0xff;
  return encodeUnpaddedBase64(bytes);
}

/**
 * Reads `grpc-trace-bin` from base64, padded or not. Version 0 and the trace id are required, span
 * id and flags are not (OpenCensus binary format). Ids may be zeros: Dapr sends such contexts.
 * @returns `undefined` when the value is malformed.
 */
export function decodeTraceBin(base64: string): SpanContext | undefined {
  const bytes = decodeBase64(base64);
  if (bytes === undefined || bytes.length < 18 || bytes[0] !== 0 || bytes[1] !== 0) {
    return undefined;
  }
  const traceId = bytes.toString("hex", 2, 18);
  let position = 18;
  let spanId = "0".repeat(16);
  if (bytes.length >= position + 9 && bytes[position] === 1) {
    spanId = bytes.toString("hex", position + 1, position + 9);
    position += 9;
  }
  const hasFlags = bytes.length >= position + 2 && bytes[position] === 2;
  return { traceId, spanId, flags: hasFlags ? (bytes[position + 1] as number) : 0 };
}
