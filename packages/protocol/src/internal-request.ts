import type { HeaderList } from "@outrigger/core";
import {
  type InvokeRequestMessage,
  invokeRequestSizeHint,
  readInvokeRequest,
  writeInvokeRequest,
} from "./invoke-messages.ts";
import { MetadataReader, metadataSizeHint, writeMetadata } from "./metadata-map.ts";
import { ProtoReader } from "./proto-reader.ts";
import { ProtoWriter } from "./proto-writer.ts";

/** The only version of Dapr's internal API, `APIVersion.V1`. */
export const internalApiVersion = 1;

/** `dapr.proto.internals.v1.InternalInvokeRequest`. */
export interface InternalInvokeRequest {
  /** {@link internalApiVersion}; receivers refuse anything else. */
  readonly ver: number;
  readonly metadata: HeaderList;
  readonly message?: InvokeRequestMessage | undefined;
}

/** A request as it was received. */
export interface DecodedInternalInvokeRequest extends InternalInvokeRequest {
  /** True when the map had an entry, even one without values. */
  readonly hasMetadata: boolean;
}

/** Encodes `dapr.proto.internals.v1.InternalInvokeRequest`. */
export function encodeInternalInvokeRequest(
  request: InternalInvokeRequest,
  reserveBytes = 0,
): Uint8Array {
  const writer = new ProtoWriter({
    reserveBytes,
    sizeHintBytes: internalInvokeRequestSizeHint(request),
  });
  writeInternalInvokeRequest(writer, request);
  return writer.finish();
}

/**
 * Decodes `dapr.proto.internals.v1.InternalInvokeRequest`.
 * @throws OutriggerError `OTR_PROTOCOL_VIOLATION`.
 */
export function decodeInternalInvokeRequest(bytes: Uint8Array): DecodedInternalInvokeRequest {
  return readInternalInvokeRequest(new ProtoReader(bytes), undefined);
}

/** An upper estimate for requests with one value per name. */
export function internalInvokeRequestSizeHint(request: InternalInvokeRequest): number {
  const message = request.message === undefined ? 0 : invokeRequestSizeHint(request.message);
  return 32 + metadataSizeHint(request.metadata) + message;
}

/** Writes the fields of `dapr.proto.internals.v1.InternalInvokeRequest`. */
export function writeInternalInvokeRequest(
  writer: ProtoWriter,
  request: InternalInvokeRequest,
): void {
  writer.int32(1, request.ver);
  writeMetadata(writer, 2, request.metadata);
  if (request.message === undefined) return;
  const mark = writer.begin(3, invokeRequestSizeHint(request.message) - 32);
  writeInvokeRequest(writer, request.message);
  writer.end(mark);
}

/** Reads the fields of `dapr.proto.internals.v1.InternalInvokeRequest`. */
export function readInternalInvokeRequest(
  reader: ProtoReader,
  previous: DecodedInternalInvokeRequest | undefined,
): DecodedInternalInvokeRequest {
  let ver = previous?.ver ?? 0;
  let message = previous?.message;
  const metadata = new MetadataReader(previous?.metadata, previous?.hasMetadata);
  while (reader.next()) {
    switch (reader.tag) {
      case 8:
        ver = reader.int32();
        break;
      case 18:
        metadata.readEntry(reader);
        break;
      case 26:
        message = reader.message(readInvokeRequest, message);
        break;
      default:
        reader.skip();
    }
  }
  return { ver, metadata: metadata.toList(), message, hasMetadata: metadata.present };
}
