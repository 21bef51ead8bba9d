import type { StatusDetail } from "@outrigger/core";
import { emptyBytes } from "./empty-bytes.ts";
import { ProtoReader } from "./proto-reader.ts";
import type { ProtoWriter } from "./proto-writer.ts";

/** `google.protobuf.Any`: a packed message, or raw bytes when the type URL is empty. */
export type AnyMessage = StatusDetail;

/** Writes the field even when the message is empty. */
export function writeAny(writer: ProtoWriter, field: number, message: AnyMessage): void {
  const mark = writer.begin(field, message.value.length + message.typeUrl.length + 4);
  writer.text(1, message.typeUrl);
  writer.bytes(2, message.value);
  writer.end(mark);
}

/** @returns a message whose value is a view of the input. */
export function readAny(reader: ProtoReader, previous: AnyMessage | undefined): AnyMessage {
  let typeUrl = previous?.typeUrl ?? "";
  let value = previous?.value ?? emptyBytes;
  while (reader.next()) {
    switch (reader.tag) {
      case 10:
        typeUrl = reader.text();
        break;
      case 18:
        value = reader.bytes();
        break;
      default:
        reader.skip();
    }
  }
  return { typeUrl, value };
}

/** `google.protobuf.Any` from its bytes. @throws OutriggerError `OTR_PROTOCOL_VIOLATION`. */
export function decodeAny(bytes: Uint8Array): AnyMessage {
  return readAny(new ProtoReader(bytes), undefined);
}
