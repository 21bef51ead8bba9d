import type { HeaderList } from "@outrigger/core";
import {
  type InvokeResponseMessage,
  invokeResponseSizeHint,
  readInvokeResponse,
  writeInvokeResponse,
} from "./invoke-messages.ts";
import { MetadataReader, metadataSizeHint, writeMetadata } from "./metadata-map.ts";
import { ProtoReader } from "./proto-reader.ts";
import { ProtoWriter } from "./proto-writer.ts";
import { readStatus, type StatusMessage, writeStatus } from "./status-message.ts";

/** `dapr.proto.internals.v1.InternalInvokeResponse`. */
export interface InternalInvokeResponse {
  /** The app's result. Present also when empty: code 0 is the success of a gRPC app. */
  readonly status?: StatusMessage | undefined;
  readonly headers: HeaderList;
  readonly trailers: HeaderList;
  readonly message?: InvokeResponseMessage | undefined;
}

/** A response as it was received. */
export interface DecodedInternalInvokeResponse extends InternalInvokeResponse {
  /** True when the map had an entry, even one without values. */
  readonly hasHeaders: boolean;
  /** True when the map had an entry, even one without values. */
  readonly hasTrailers: boolean;
}

/** Encodes `dapr.proto.internals.v1.InternalInvokeResponse`. */
export function encodeInternalInvokeResponse(
  response: InternalInvokeResponse,
  reserveBytes = 0,
): Uint8Array {
  const writer = new ProtoWriter({
    reserveBytes,
    sizeHintBytes: internalInvokeResponseSizeHint(response),
  });
  writeInternalInvokeResponse(writer, response);
  return writer.finish();
}

/**
 * Decodes `dapr.proto.internals.v1.InternalInvokeResponse`.
 * @throws OutriggerError `OTR_PROTOCOL_VIOLATION`.
 */
export function decodeInternalInvokeResponse(bytes: Uint8Array): DecodedInternalInvokeResponse {
  return readInternalInvokeResponse(new ProtoReader(bytes), undefined);
}

/** An upper estimate for responses with one value per name and no status details. */
export function internalInvokeResponseSizeHint(response: InternalInvokeResponse): number {
  const message = response.message === undefined ? 0 : invokeResponseSizeHint(response.message);
  const status = response.status === undefined ? 0 : response.status.message.length;
  return (
    48 + status + metadataSizeHint(response.headers) + metadataSizeHint(response.trailers) + message
  );
}

/** Writes the fields of `dapr.proto.internals.v1.InternalInvokeResponse`. */
export function writeInternalInvokeResponse(
  writer: ProtoWriter,
  response: InternalInvokeResponse,
): void {
  if (response.status !== undefined) {
    const mark = writer.begin(1);
    writeStatus(writer, response.status);
    writer.end(mark);
  }
  writeMetadata(writer, 2, response.headers);
  writeMetadata(writer, 3, response.trailers);
  if (response.message === undefined) return;
  const mark = writer.begin(4, invokeResponseSizeHint(response.message) - 24);
  writeInvokeResponse(writer, response.message);
  writer.end(mark);
}

/** Reads the fields of `dapr.proto.internals.v1.InternalInvokeResponse`. */
export function readInternalInvokeResponse(
  reader: ProtoReader,
  previous: DecodedInternalInvokeResponse | undefined,
): DecodedInternalInvokeResponse {
  let status = previous?.status;
  let message = previous?.message;
  const headers = new MetadataReader(previous?.headers, previous?.hasHeaders);
  const trailers = new MetadataReader(previous?.trailers, previous?.hasTrailers);
  while (reader.next()) {
    switch (reader.tag) {
      case 10:
        status = reader.message(readStatus, status);
        break;
      case 18:
        headers.readEntry(reader);
        break;
      case 26:
        trailers.readEntry(reader);
        break;
      case 34:
        message = reader.message(readInvokeResponse, message);
        break;
      default:
        reader.skip();
    }
  }
  return {
    status,
    headers: headers.toList(),
    trailers: trailers.toList(),
    message,
    hasHeaders: headers.present,
    hasTrailers: trailers.present,
  };
}
