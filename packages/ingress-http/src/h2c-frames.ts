import type { ByteString, HeaderList } from "@outrigger/core";

const frameHeadBytes = 9;
const headersFrame = 0x1;
export const settingsFrame = 0x4;
const endOfStreamAndHeaders = 0x5;

/** Largest payload that every peer takes (RFC 9113 section 4.2). */
export const maxPayloadBytes = 16_384;

/** Head of an HTTP/2 frame (RFC 9113 section 4.1). */
export interface FrameHead {
  readonly length: number;
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
}

/** `undefined` while the head is not whole. */
export function readFrameHead(bytes: Buffer): FrameHead | undefined {
  if (bytes.length < frameHeadBytes) return undefined;
  return {
    length: bytes.readUIntBE(0, 3),
    type: bytes.readUInt8(3),
    flags: bytes.readUInt8(4),
    streamId: bytes.readUInt32BE(5),
  };
}

/** Bytes of a frame with this payload length. */
export function frameBytes(length: number): number {
  return frameHeadBytes + length;
}

/** The payload of the frame that begins the bytes. */
export function payloadOf(bytes: Buffer, { length }: FrameHead): Buffer {
  return bytes.subarray(frameHeadBytes, frameHeadBytes + length);
}

/** A SETTINGS frame. */
export function writeSettings(payload: Buffer): Buffer {
  return writeFrame(settingsFrame, 0, 0, payload);
}

/** A whole request without body: one HEADERS frame that ends its stream. */
export function writeRequest(streamId: number, headers: HeaderList): Buffer {
  return writeFrame(headersFrame, endOfStreamAndHeaders, streamId, encodeHeaders(headers));
}

function writeFrame(type: number, flags: number, streamId: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(frameHeadBytes);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, payload]);
}

/** Literal fields without indexing (RFC 7541 section 6.2.2): the peer's table stays as it is. */
function encodeHeaders(headers: HeaderList): Buffer {
  const parts: Buffer[] = [];
  for (let index = 0; index < headers.length; index += 2) {
    parts.push(Buffer.of(0));
    parts.push(...encodeText(headers[index] as ByteString));
    parts.push(...encodeText(headers[index + 1] as ByteString));
  }
  return Buffer.concat(parts);
}

function encodeText(text: ByteString): readonly Buffer[] {
  return [Buffer.from(encodeLength(text.length)), Buffer.from(text, "latin1")];
}

/** An integer with a prefix of seven bits (RFC 7541 section 5.1). */
function encodeLength(length: number): readonly number[] {
  if (length < 127) return [length];
  const bytes = [127];
  let rest = length - 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  bytes.push(rest);
  return bytes;
}
