import { type AnyMessage, readAny, writeAny } from "./any-message.ts";
import { ProtoReader } from "./proto-reader.ts";
import { ProtoWriter } from "./proto-writer.ts";

/** `google.rpc.Status` and `dapr.proto.internals.v1.Status`, which have the same fields. */
export interface StatusMessage {
  readonly code: number;
  readonly message: string;
  readonly details: readonly AnyMessage[];
}

/** Encodes `google.rpc.Status`, for example for the trailer `grpc-status-details-bin`. */
export function encodeStatus(status: StatusMessage): Uint8Array {
  const writer = new ProtoWriter();
  writeStatus(writer, status);
  return writer.finish();
}

/** Decodes `google.rpc.Status`. @throws OutriggerError `OTR_PROTOCOL_VIOLATION`. */
export function decodeStatus(bytes: Uint8Array): StatusMessage {
  return readStatus(new ProtoReader(bytes), undefined);
}

/** Writes the fields of a status. */
export function writeStatus(writer: ProtoWriter, status: StatusMessage): void {
  writer.int32(1, status.code);
  writer.text(2, status.message);
  for (const detail of status.details) writeAny(writer, 3, detail);
}

/** Reads the fields of a status. */
export function readStatus(
  reader: ProtoReader,
  previous: StatusMessage | undefined,
): StatusMessage {
  let code = previous?.code ?? 0;
  let message = previous?.message ?? "";
  const details: AnyMessage[] = previous === undefined ? [] : [...previous.details];
  while (reader.next()) {
    switch (reader.tag) {
      case 8:
        code = reader.int32();
        break;
      case 18:
        message = reader.text();
        break;
      case 26:
        details.push(reader.message(readAny));
        break;
      default:
        reader.skip();
    }
  }
  return { code, message, details };
}
