import {
  type DecodedInternalInvokeRequest,
  type InternalInvokeRequest,
  internalInvokeRequestSizeHint,
  readInternalInvokeRequest,
  writeInternalInvokeRequest,
} from "./internal-request.ts";
import {
  type DecodedInternalInvokeResponse,
  type InternalInvokeResponse,
  internalInvokeResponseSizeHint,
  readInternalInvokeResponse,
  writeInternalInvokeResponse,
} from "./internal-response.ts";
import { ProtoReader } from "./proto-reader.ts";
import { ProtoWriter } from "./proto-writer.ts";
import { readStreamPayload, type StreamPayload, writePayloadField } from "./stream-payload.ts";

/** `dapr.proto.internals.v1.InternalInvokeRequestStream`. */
export interface InternalInvokeRequestStream {
  readonly request?: InternalInvokeRequest | undefined;
  readonly payload?: StreamPayload | undefined;
}

/** A message of a request stream as it was received. */
export interface DecodedInternalInvokeRequestStream extends InternalInvokeRequestStream {
  readonly request: DecodedInternalInvokeRequest | undefined;
  readonly payload: StreamPayload | undefined;
}

/** `dapr.proto.internals.v1.InternalInvokeResponseStream`. */
export interface InternalInvokeResponseStream {
  readonly response?: InternalInvokeResponse | undefined;
  readonly payload?: StreamPayload | undefined;
}

/** A message of a response stream as it was received. */
export interface DecodedInternalInvokeResponseStream extends InternalInvokeResponseStream {
  readonly response: DecodedInternalInvokeResponse | undefined;
  readonly payload: StreamPayload | undefined;
}

/** Encodes `dapr.proto.internals.v1.InternalInvokeRequestStream`. */
export function encodeInternalInvokeRequestStream(
  message: InternalInvokeRequestStream,
  reserveBytes = 0,
): Uint8Array {
  const { request, payload } = message;
  const head = request === undefined ? 0 : internalInvokeRequestSizeHint(request);
  const sizeHintBytes = 40 + head + (payload?.data.length ?? 0);
  const writer = new ProtoWriter({ reserveBytes, sizeHintBytes });
  if (request !== undefined) {
    const mark = writer.begin(1, head - 32);
    writeInternalInvokeRequest(writer, request);
    writer.end(mark);
  }
  if (payload !== undefined) writePayloadField(writer, payload);
  return writer.finish();
}

/**
 * Decodes `dapr.proto.internals.v1.InternalInvokeRequestStream`.
 * @throws OutriggerError `OTR_PROTOCOL_VIOLATION`.
 */
export function decodeInternalInvokeRequestStream(
  bytes: Uint8Array,
): DecodedInternalInvokeRequestStream {
  const reader = new ProtoReader(bytes);
  let request: DecodedInternalInvokeRequest | undefined;
  let payload: StreamPayload | undefined;
  while (reader.next()) {
    switch (reader.tag) {
      case 10:
        request = reader.message(readInternalInvokeRequest, request);
        break;
      case 18:
        payload = reader.message(readStreamPayload, payload);
        break;
      default:
        reader.skip();
    }
  }
  return { request, payload };
}

/** Encodes `dapr.proto.internals.v1.InternalInvokeResponseStream`. */
export function encodeInternalInvokeResponseStream(
  message: InternalInvokeResponseStream,
  reserveBytes = 0,
): Uint8Array {
  const { response, payload } = message;
  const head = response === undefined ? 0 : internalInvokeResponseSizeHint(response);
  const sizeHintBytes = 40 + head + (payload?.data.length ?? 0);
  const writer = new ProtoWriter({ reserveBytes, sizeHintBytes });
  if (response !== undefined) {
    const mark = writer.begin(1, head - 48);
    writeInternalInvokeResponse(writer, response);
    writer.end(mark);
  }
  if (payload !== undefined) writePayloadField(writer, payload);
  return writer.finish();
}

/**
 * Decodes `dapr.proto.internals.v1.InternalInvokeResponseStream`.
 * @throws OutriggerError `OTR_PROTOCOL_VIOLATION`.
 */
export function decodeInternalInvokeResponseStream(
  bytes: Uint8Array,
): DecodedInternalInvokeResponseStream {
  const reader = new ProtoReader(bytes);
  let response: DecodedInternalInvokeResponse | undefined;
  let payload: StreamPayload | undefined;
  while (reader.next()) {
    switch (reader.tag) {
      case 10:
        response = reader.message(readInternalInvokeResponse, response);
        break;
      case 18:
        payload = reader.message(readStreamPayload, payload);
        break;
      default:
        reader.skip();
    }
  }
  return { response, payload };
}
