import type { Span } from "./tracer.ts";

/**
 * Text in which each character stands for one byte (0 to 255), as node:http delivers header values.
 * It keeps bytes that are not valid UTF-8, so what came in is what goes out.
 */
export type ByteString = string;

/** Headers or metadata as received: name, value, name, value, ... Order and repeats are kept. */
export type HeaderList = readonly ByteString[];

/**
 * A body that arrives over time. It has one consumer; ending the iteration early (`return()`)
 * tells the producer to stop. Back-pressure is the pull of the iteration. A chunk belongs to whoever
 * took it last, who may free its memory (`freeChunk`): a stage that passes it on keeps no reference.
 */
export type BodyStream = AsyncIterable<Uint8Array>;

/** Buffer first: small bodies of known length are one array, everything else is a stream. */
export type Body = Uint8Array | BodyStream;

/** An empty body. */
export const emptyBody: Uint8Array = new Uint8Array(0);

/** The HTTP half of a call, absent on gRPC calls that carry no `http_extension`. */
export interface HttpExtension {
  /** Upper-case verb; empty stands for Dapr's `NONE`. */
  readonly verb: string;
  /** Raw query, still encoded, without the leading `?`. */
  readonly query: ByteString;
}

/** One call to one method of one app: the single shape for HTTP and gRPC, caller and callee. */
export interface InvokeRequest {
  /** As the caller wrote it: `orders`, `orders.production`, or an `http(s)://` URL. */
  readonly target: string;
  /** Method path in decoded bytes, without the leading `/` unless the caller doubled it. */
  readonly method: ByteString;
  readonly http: HttpExtension | undefined;
  /** Which protocol the metadata came from: `http` names are canonical, `grpc` names lower case. */
  readonly origin: "http" | "grpc";
  readonly metadata: HeaderList;
  /** Empty when the caller sent none. */
  readonly contentType: ByteString;
  /** Type URL of the protobuf `Any`; empty for raw bytes. */
  readonly typeUrl: string;
  readonly body: Body;
  /** Declared length in bytes; `undefined` when unknown, which also rules out any repeat. */
  readonly bodyLength: number | undefined;
  /** Absolute time in milliseconds since the epoch after which nobody waits for the answer. */
  readonly deadlineMs?: number | undefined;
  /** Aborted when the caller has gone away. */
  readonly signal: AbortSignal;
  /** W3C trace context to send between sidecars, when there is one. */
  readonly trace?: TraceContext | undefined;
}

/** A call as the callee's sidecar got it from another sidecar. */
export interface ReceivedCall extends InvokeRequest {
  /** Identity proven by the peer's certificate; absent on plaintext connections. */
  readonly peer?: PeerIdentity | undefined;
  /**
   * Why the transport cannot deliver the call as it came. Thrown in place of the delivery, so that
   * only callers who may call learn of it.
   */
  readonly defect?: Error | undefined;
  /** Whether it came in one message, as old sidecars send calls, and not in chunks. */
  readonly isUnary?: boolean | undefined;
}

/** SPIFFE identity of a peer, split as Dapr writes it: `spiffe://<trustDomain>/ns/<namespace>/<appId>`. */
export interface PeerIdentity {
  readonly spiffeId: string;
  readonly trustDomain: string;
  readonly namespace: string;
  readonly appId: string;
}

/** W3C trace context in text form. */
export interface TraceContext {
  readonly traceparent: string;
  readonly tracestate: string;
  /** The span behind the context, when this sidecar records it. It never travels. */
  readonly span?: Span | undefined;
}

/** An entry of a status' details: a packed protobuf message. */
export interface StatusDetail {
  readonly typeUrl: string;
  readonly value: Uint8Array;
}

/**
 * Result of the app. One number with two meanings, as on Dapr's wire: 100 and above is an HTTP
 * status, below is a gRPC status code (0 = OK).
 */
export interface CallStatus {
  readonly code: number;
  readonly message: string;
  readonly details: readonly StatusDetail[];
}

/** The app's answer, successful or not. Failures of the sidecars are thrown instead. */
export interface InvokeResponse {
  readonly status: CallStatus;
  readonly headers: HeaderList;
  /** Only gRPC apps have trailers. */
  readonly trailers: HeaderList;
  readonly contentType: ByteString;
  readonly typeUrl: string;
  readonly body: Body;
}

/** True when the app answered over HTTP. */
export function isHttpStatus(code: number): boolean {
  return code >= 100;
}

/** True when the body is complete in memory. */
export function isBuffered(body: Body): body is Uint8Array {
  return body instanceof Uint8Array;
}

/** First value of a header, compared without case; `undefined` when absent. */
export function headerValue(headers: HeaderList, lowerCaseName: string): ByteString | undefined {
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] as string;
    if (name.length === lowerCaseName.length && name.toLowerCase() === lowerCaseName) {
      return headers[index + 1];
    }
  }
  return undefined;
}

/** Reads a body to its end. @throws RangeError when it is longer than `limitBytes`. */
export async function readBody(body: Body, limitBytes: number): Promise<Uint8Array> {
  if (isBuffered(body)) {
    if (body.length > limitBytes) throw new RangeError(`body exceeds ${limitBytes} bytes`);
    return body;
  }
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > limitBytes) throw new RangeError(`body exceeds ${limitBytes} bytes`);
    chunks.push(chunk);
  }
  if (chunks.length === 1) return chunks[0] as Uint8Array;
  return Buffer.concat(chunks, length);
}
