import type { ByteString } from "@outrigger/core";
import { type AnyMessage, readAny, writeAny } from "./any-message.ts";
import { httpVerbName, httpVerbNumber } from "./http-verb.ts";
import { ProtoReader } from "./proto-reader.ts";
import { ProtoWriter } from "./proto-writer.ts";

/** `dapr.proto.common.v1.HTTPExtension`. */
export interface HttpExtensionMessage {
  /** Upper-case verb; empty stands for `NONE`. */
  readonly verb: string;
  /** Raw query, still encoded, without the leading `?`. */
  readonly querystring: ByteString;
}

/** `dapr.proto.common.v1.InvokeRequest`. */
export interface InvokeRequestMessage {
  readonly method: ByteString;
  readonly data?: AnyMessage | undefined;
  readonly contentType: ByteString;
  readonly httpExtension?: HttpExtensionMessage | undefined;
}

/** `dapr.proto.common.v1.InvokeResponse`. */
export interface InvokeResponseMessage {
  readonly data?: AnyMessage | undefined;
  readonly contentType: ByteString;
}

/** Encodes `dapr.proto.common.v1.InvokeRequest`. */
export function encodeInvokeRequest(message: InvokeRequestMessage, reserveBytes = 0): Uint8Array {
  const writer = new ProtoWriter({ reserveBytes, sizeHintBytes: invokeRequestSizeHint(message) });
  writeInvokeRequest(writer, message);
  return writer.finish();
}

/** Decodes `dapr.proto.common.v1.InvokeRequest`. @throws OutriggerError `OTR_PROTOCOL_VIOLATION`. */
export function decodeInvokeRequest(bytes: Uint8Array): InvokeRequestMessage {
  return readInvokeRequest(new ProtoReader(bytes), undefined);
}

/** Encodes `dapr.proto.common.v1.InvokeResponse`. */
export function encodeInvokeResponse(message: InvokeResponseMessage, reserveBytes = 0): Uint8Array {
  const writer = new ProtoWriter({ reserveBytes, sizeHintBytes: invokeResponseSizeHint(message) });
  writeInvokeResponse(writer, message);
  return writer.finish();
}

/** Decodes `dapr.proto.common.v1.InvokeResponse`. @throws OutriggerError `OTR_PROTOCOL_VIOLATION`. */
export function decodeInvokeResponse(bytes: Uint8Array): InvokeResponseMessage {
  return readInvokeResponse(new ProtoReader(bytes), undefined);
}

/** An upper estimate, so that a large body is copied once. */
export function invokeRequestSizeHint(message: InvokeRequestMessage): number {
  const query = message.httpExtension?.querystring.length ?? 0;
  return 48 + message.method.length + message.contentType.length + query + anySize(message.data);
}

/** An upper estimate, so that a large body is copied once. */
export function invokeResponseSizeHint(message: InvokeResponseMessage): number {
  return 32 + message.contentType.length + anySize(message.data);
}

function anySize(message: AnyMessage | undefined): number {
  return message === undefined ? 0 : message.typeUrl.length + message.value.length;
}

/** Writes the fields of `dapr.proto.common.v1.InvokeRequest`. */
export function writeInvokeRequest(writer: ProtoWriter, message: InvokeRequestMessage): void {
  writer.byteString(1, message.method);
  if (message.data !== undefined) writeAny(writer, 2, message.data);
  writer.byteString(3, message.contentType);
  if (message.httpExtension === undefined) return;
  const mark = writer.begin(4, message.httpExtension.querystring.length + 4);
  writer.int32(1, httpVerbNumber(message.httpExtension.verb));
  writer.byteString(2, message.httpExtension.querystring);
  writer.end(mark);
}

/** Reads the fields of `dapr.proto.common.v1.InvokeRequest`. */
export function readInvokeRequest(
  reader: ProtoReader,
  previous: InvokeRequestMessage | undefined,
): InvokeRequestMessage {
  let method = previous?.method ?? "";
  let data = previous?.data;
  let contentType = previous?.contentType ?? "";
  let httpExtension = previous?.httpExtension;
  while (reader.next()) {
    switch (reader.tag) {
      case 10:
        method = reader.byteString();
        break;
      case 18:
        data = reader.message(readAny, data);
        break;
      case 26:
        contentType = reader.byteString();
        break;
      case 34:
        httpExtension = reader.message(readHttpExtension, httpExtension);
        break;
      default:
        reader.skip();
    }
  }
  return { method, data, contentType, httpExtension };
}

function readHttpExtension(
  reader: ProtoReader,
  previous: HttpExtensionMessage | undefined,
): HttpExtensionMessage {
  let verb = previous?.verb ?? "";
  let querystring = previous?.querystring ?? "";
  while (reader.next()) {
    switch (reader.tag) {
      case 8: {
        const number = reader.int32();
        verb = number === 0 ? "" : httpVerbName(number);
        break;
      }
      case 18:
        querystring = reader.byteString();
        break;
      default:
        reader.skip();
    }
  }
  return { verb, querystring };
}

/** Writes the fields of `dapr.proto.common.v1.InvokeResponse`. */
export function writeInvokeResponse(writer: ProtoWriter, message: InvokeResponseMessage): void {
  if (message.data !== undefined) writeAny(writer, 1, message.data);
  writer.byteString(2, message.contentType);
}

/** Reads the fields of `dapr.proto.common.v1.InvokeResponse`. */
export function readInvokeResponse(
  reader: ProtoReader,
  previous: InvokeResponseMessage | undefined,
): InvokeResponseMessage {
  let data = previous?.data;
  let contentType = previous?.contentType ?? "";
  while (reader.next()) {
    switch (reader.tag) {
      case 10:
        data = reader.message(readAny, data);
        break;
      case 18:
        contentType = reader.byteString();
        break;
      default:
        reader.skip();
    }
  }
  return { data, contentType };
}
