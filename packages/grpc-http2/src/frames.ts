import { emptyBody, ownChunk, RpcCode } from "@outrigger/core";
import type { GrpcStatus } from "./status.ts";

/** One length-prefixed message as it came: its bytes and whether they are compressed. */
export interface GrpcFrame {
  readonly compressed: boolean;
  readonly data: Uint8Array;
  /** Bytes that pass through, prefixes included, whatever messages begin and end in them. */
  readonly raw?: true;
}

/** Bytes before each message: one flag, four of length. */
export const framePrefixBytes = 5;

/** Writes the prefix of a message of `length` bytes at `offset`. */
export function writeFramePrefix(
  target: Uint8Array,
  offset: number,
  length: number,
  compressed = false,
): void {
  target[offset] = compressed ? 1 : 0;
  target[offset + 1] = length >>> 24;
  target[offset + 2] = length >>> 16;
  target[offset + 3] = length >>> 8;
  target[offset + 4] = length;
}

/** A message with its prefix. Copies the message. */
export function frameMessage(data: Uint8Array, compressed = false): Uint8Array {
  const framed = Buffer.allocUnsafe(framePrefixBytes + data.length);
  writeFramePrefix(framed, 0, data.length, compressed);
  framed.set(data, framePrefixBytes);
  return framed;
}

/**
 * A received message with its prefix, without copying: the prefix always lies right before the data.
 * Only for frames that a `FrameParser` made.
 */
export function framedBytes({ data, raw }: GrpcFrame): Uint8Array {
  if (raw) return data;
  return new Uint8Array(
    data.buffer,
    data.byteOffset - framePrefixBytes,
    data.length + framePrefixBytes,
  );
}

/** The refusal of a message that is too long, in the words of Go's gRPC library. */
export function messageTooLarge(length: number, maxBytes: number): GrpcStatus {
  return {
    code: RpcCode.RESOURCE_EXHAUSTED,
    message: `grpc: received message larger than max (${length} vs. ${maxBytes})`,
  };
}

/** A piece of a message can keep alive all that was read with it: so many small ones are copied. */
const mergePieces = 64;
/** Pieces that are larger on the average are few, and stay as they are. */
const mergeBytes = mergePieces * 4_096;

/**
 * Cuts a byte stream into messages. A message that lies in one chunk is a view of it; only those
 * that span chunks are copied. What is buffered never exceeds the limit by more than a chunk.
 */
export class FrameParser {
  readonly #maxBytes: number;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  /** Pieces at the end of `#pending` that were not looked at for merging. */
  #newPieces = 0;
  /** Bytes, prefix included, that the message in `#pending` needs; 0 while its prefix is incomplete. */
  #neededBytes = 0;

  constructor(maxMessageBytes: number) {
    this.#maxBytes = maxMessageBytes;
  }

  /** True in the middle of a message. */
  get partial(): boolean {
    return this.#pendingBytes > 0;
  }

  /** Gives away the beginning of a message that has not come to its end. */
  takePending(): readonly Uint8Array[] {
    const pending = this.#pending;
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#neededBytes = 0;
    this.#newPieces = 0;
    return pending;
  }

  /** Appends the messages that `chunk` completes. Returns the failure that ends the stream, if any. */
  push(chunk: Uint8Array, frames: GrpcFrame[]): GrpcStatus | undefined {
    if (this.#pendingBytes === 0) return this.#cut(chunk, frames);
    this.#pending.push(chunk);
    this.#pendingBytes += chunk.length;
    this.#newPieces += 1;
    if (this.#newPieces === mergePieces) this.#merge();
    if (this.#pendingBytes < Math.max(this.#neededBytes, framePrefixBytes)) return undefined;
    if (this.#neededBytes === 0) {
      this.#pending = [Buffer.concat(this.#pending, this.#pendingBytes)];
      const failure = this.#readPrefix(this.#pending[0] as Uint8Array, 0);
      if (failure !== undefined || this.#pendingBytes < this.#neededBytes) return failure;
    }
    const rest = this.#join(frames);
    return rest.length === 0 ? undefined : this.#cut(rest, frames);
  }

  #merge(): void {
    this.#newPieces = 0;
    let bytes = 0;
    for (const piece of this.#pending.slice(-mergePieces)) bytes += piece.length;
    if (bytes >= mergeBytes) return;
    const merged = Buffer.allocUnsafeSlow(bytes);
    let offset = 0;
    for (const piece of this.#pending.splice(-mergePieces)) {
      merged.set(piece, offset);
      offset += piece.length;
    }
    this.#pending.push(merged);
  }

  /** Makes one frame of the pending bytes, in memory of its own. Returns what lies behind it. */
  #join(frames: GrpcFrame[]): Uint8Array {
    const joined = ownChunk(Buffer.allocUnsafeSlow(this.#neededBytes));
    let offset = 0;
    let rest = emptyBody;
    for (const piece of this.#pending) {
      const room = joined.length - offset;
      joined.set(piece.length > room ? piece.subarray(0, room) : piece, offset);
      // Only the last piece can be longer than the frame.
      if (piece.length > room) rest = piece.subarray(room);
      offset += piece.length;
    }
    frames.push({ compressed: joined[0] === 1, data: joined.subarray(framePrefixBytes) });
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#neededBytes = 0;
    this.#newPieces = 0;
    return rest;
  }

  #cut(chunk: Uint8Array, frames: GrpcFrame[]): GrpcStatus | undefined {
    let offset = 0;
    while (chunk.length - offset >= framePrefixBytes) {
      const failure = this.#readPrefix(chunk, offset);
      if (failure !== undefined) return failure;
      const end = offset + this.#neededBytes;
      if (end > chunk.length) break;
      frames.push({
        compressed: chunk[offset] === 1,
        data: chunk.subarray(offset + framePrefixBytes, end),
      });
      this.#neededBytes = 0;
      offset = end;
    }
    if (offset < chunk.length) {
      this.#pending = [offset === 0 ? chunk : chunk.subarray(offset)];
      this.#pendingBytes = chunk.length - offset;
    }
    return undefined;
  }

  #readPrefix(bytes: Uint8Array, offset: number): GrpcStatus | undefined {
    const length = readPrefix(bytes, offset, this.#maxBytes);
    if (typeof length !== "number") return length;
    this.#neededBytes = framePrefixBytes + length;
    return undefined;
  }
}

/** Length of the message behind a prefix, or the failure that ends the stream. */
export function readPrefix(
  bytes: Uint8Array,
  offset: number,
  maxBytes: number,
): number | GrpcStatus {
  const flag = bytes[offset] as number;
  if (flag > 1) {
    return { code: RpcCode.INTERNAL, message: `grpc: received unexpected payload format ${flag}` };
  }
  const length =
    (bytes[offset + 1] as number) * 0x1000000 +
    (((bytes[offset + 2] as number) << 16) |
      ((bytes[offset + 3] as number) << 8) |
      (bytes[offset + 4] as number));
  return length > maxBytes ? messageTooLarge(length, maxBytes) : length;
}
