import { emptyBytes } from "./empty-bytes.ts";
import { ProtoReader } from "./proto-reader.ts";
import { ProtoWriter } from "./proto-writer.ts";
import { varintSize } from "./varint-size.ts";

/** `dapr.proto.common.v1.StreamPayload`: one chunk of a body. */
export interface StreamPayload {
  /** Any size, may be empty. When decoded, a view of the input. */
  readonly data: Uint8Array;
  /** 0, 1, 2, ... per direction. */
  readonly seq: number;
}

/** Encodes `dapr.proto.common.v1.StreamPayload`. */
export function encodeStreamPayload(payload: StreamPayload, reserveBytes = 0): Uint8Array {
  const writer = new ProtoWriter({ reserveBytes, sizeHintBytes: payload.data.length + 24 });
  writer.bytes(1, payload.data);
  writer.uint(2, payload.seq);
  return writer.finish();
}

/** Decodes `dapr.proto.common.v1.StreamPayload`. @throws OutriggerError `OTR_PROTOCOL_VIOLATION`. */
export function decodeStreamPayload(bytes: Uint8Array): StreamPayload {
  return readStreamPayload(new ProtoReader(bytes), undefined);
}

/** Writes a chunk as field 2 of a stream message. */
export function writePayloadField(writer: ProtoWriter, payload: StreamPayload): void {
  const mark = writer.begin(2, payload.data.length + 6);
  writer.bytes(1, payload.data);
  writer.uint(2, payload.seq);
  writer.end(mark);
}

/**
 * The bytes that make `data`, sent right behind them, a complete stream message with this payload: chunks
 * travel without being copied. The order of fields is free in protobuf, so `seq` comes first.
 * Behind an encoded stream message without payload the result adds the payload to it.
 */
export function encodePayloadHead(dataLength: number, seq: number, reserveBytes = 0): Uint8Array {
  const writer = new ProtoWriter({ reserveBytes, sizeHintBytes: 40 });
  writePayloadHead(writer, dataLength, seq);
  return writer.finish();
}

/** Writes what {@link encodePayloadHead} returns. */
export function writePayloadHead(writer: ProtoWriter, dataLength: number, seq: number): void {
  const seqSize = seq === 0 ? 0 : 1 + varintSize(seq);
  const dataSize = dataLength === 0 ? 0 : 1 + varintSize(dataLength) + dataLength;
  writer.lengthPrefix(2, seqSize + dataSize);
  writer.uint(2, seq);
  if (dataLength !== 0) writer.lengthPrefix(1, dataLength);
}

/** Reads the fields of a chunk. */
export function readStreamPayload(
  reader: ProtoReader,
  previous: StreamPayload | undefined,
): StreamPayload {
  let data = previous?.data ?? emptyBytes;
  let seq = previous?.seq ?? 0;
  while (reader.next()) {
    switch (reader.tag) {
      case 10:
        data = reader.bytes();
        break;
      case 16:
        seq = reader.uint64();
        break;
      default:
        reader.skip();
    }
  }
  return { data, seq };
}
