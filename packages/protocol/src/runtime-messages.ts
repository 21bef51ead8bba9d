import {
  type InvokeRequestMessage,
  invokeRequestSizeHint,
  readInvokeRequest,
  writeInvokeRequest,
} from "./invoke-messages.ts";
import { ProtoReader } from "./proto-reader.ts";
import { ProtoWriter } from "./proto-writer.ts";

/** `dapr.proto.runtime.v1.InvokeServiceRequest`. */
export interface InvokeServiceRequest {
  /** Target app id, `app` or `app.namespace`. */
  readonly id: string;
  readonly message?: InvokeRequestMessage | undefined;
}

/** `dapr.proto.runtime.v1.SetMetadataRequest`. */
export interface SetMetadataRequest {
  readonly key: string;
  readonly value: string;
}

/** A message without fields: `google.protobuf.Empty`, `GetMetadataRequest`, `HealthCheckResponse`, ... */
export type EmptyMessage = Readonly<Record<never, never>>;

/** Encodes any message without fields. */
export function encodeEmpty(reserveBytes = 0): Uint8Array {
  return new Uint8Array(reserveBytes);
}

/** Checks that the bytes are a message; fields of later versions are ignored. */
export function decodeEmpty(bytes: Uint8Array): EmptyMessage {
  const reader = new ProtoReader(bytes);
  while (reader.next()) reader.skip();
  return {};
}

/** Encodes `dapr.proto.runtime.v1.InvokeServiceRequest`. */
export function encodeInvokeServiceRequest(
  request: InvokeServiceRequest,
  reserveBytes = 0,
): Uint8Array {
  const body = request.message === undefined ? 0 : invokeRequestSizeHint(request.message);
  const writer = new ProtoWriter({ reserveBytes, sizeHintBytes: 32 + request.id.length + body });
  writer.text(1, request.id);
  // There is no field 2 in the contract.
  if (request.message !== undefined) {
    const mark = writer.begin(3, body - 32);
    writeInvokeRequest(writer, request.message);
    writer.end(mark);
  }
  return writer.finish();
}

/** Decodes `dapr.proto.runtime.v1.InvokeServiceRequest`. @throws OutriggerError `OTR_PROTOCOL_VIOLATION`. */
export function decodeInvokeServiceRequest(bytes: Uint8Array): InvokeServiceRequest {
  const reader = new ProtoReader(bytes);
  let id = "";
  let message: InvokeRequestMessage | undefined;
  while (reader.next()) {
    switch (reader.tag) {
      case 10:
        id = reader.text();
        break;
      case 26:
        message = reader.message(readInvokeRequest, message);
        break;
      default:
        reader.skip();
    }
  }
  return { id, message };
}

/** Encodes `dapr.proto.runtime.v1.SetMetadataRequest`. */
export function encodeSetMetadataRequest(
  request: SetMetadataRequest,
  reserveBytes = 0,
): Uint8Array {
  const writer = new ProtoWriter({ reserveBytes });
  writer.text(1, request.key);
  writer.text(2, request.value);
  return writer.finish();
}

/** Decodes `dapr.proto.runtime.v1.SetMetadataRequest`. @throws OutriggerError `OTR_PROTOCOL_VIOLATION`. */
export function decodeSetMetadataRequest(bytes: Uint8Array): SetMetadataRequest {
  const reader = new ProtoReader(bytes);
  let key = "";
  let value = "";
  while (reader.next()) {
    switch (reader.tag) {
      case 10:
        key = reader.text();
        break;
      case 18:
        value = reader.text();
        break;
      default:
        reader.skip();
    }
  }
  return { key, value };
}
