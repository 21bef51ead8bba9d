import { framePrefixBytes, writeFramePrefix } from "@outrigger/grpc-http2";
import { encodePayloadHead } from "@outrigger/protocol";

/** Dapr reads bodies through a buffer of this size, so no peer has ever seen a larger chunk. */
export const chunkBytes = 2_048;

/** Completes a message that was encoded with room for its prefix; `extra` bytes follow elsewhere. */
export function framed(message: Uint8Array, extra = 0): Uint8Array {
  writeFramePrefix(message, 0, message.length - framePrefixBytes + extra);
  return message;
}

/**
 * Appends framed messages with the payloads of `data` from `offset` on.
 * @returns the next sequence number.
 */
export function addChunks(
  pieces: Uint8Array[],
  data: Uint8Array,
  offset: number,
  firstSeq: number,
): number {
  let seq = firstSeq;
  for (let start = offset; start < data.length; start += chunkBytes) {
    const chunk = data.subarray(start, start + chunkBytes);
    const head = encodePayloadHead(chunk.length, seq, framePrefixBytes);
    pieces.push(framed(head, chunk.length), chunk);
    seq += 1;
  }
  return seq;
}

/** A message and all further chunks of its body as one array. */
export function joinChunks(first: Uint8Array, body: Uint8Array): Uint8Array {
  if (body.length <= chunkBytes) return first;
  const pieces = [first];
  addChunks(pieces, body, chunkBytes, 1);
  return Buffer.concat(pieces);
}
