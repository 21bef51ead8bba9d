import { framePrefixBytes, writeFramePrefix } from "@outrigger/grpc-http2";
import { encodePayloadHead } from "@outrigger/protocol";
import { type ChunkBuffers, chunkOverheadBytes, pieceBytes } from "./chunk-buffers.ts";
import { chunkBytes } from "./chunks.ts";

const nothing = new Uint8Array(0);

/** Frames the chunks of one streamed body, in the order in which they arrive. */
export class ChunkFramer {
  readonly #buffers: ChunkBuffers;
  readonly #before: Uint8Array;
  #seq: number;

  /**
   * @param firstSeq sequence number of the first chunk.
   * @param before encoded fields that each message has in front of its payload.
   */
  constructor(buffers: ChunkBuffers, firstSeq = 0, before: Uint8Array = nothing) {
    this.#buffers = buffers;
    this.#seq = firstSeq;
    this.#before = before;
  }

  /** Framed messages with the bytes of `data`. Each piece belongs back to the buffers when it is sent. */
  *frame(data: Uint8Array): Generator<Uint8Array, void, undefined> {
    if (data.length <= pieceBytes) {
      if (data.length > 0) yield this.#framePiece(data);
      return;
    }
    for (let start = 0; start < data.length; start += pieceBytes) {
      yield this.#framePiece(data.subarray(start, start + pieceBytes));
    }
  }

  #framePiece(data: Uint8Array): Uint8Array {
    const isSmall = data.length <= chunkBytes;
    const target = isSmall
      ? Buffer.allocUnsafe(data.length + chunkOverheadBytes)
      : this.#buffers.take();
    let position = 0;
    for (let start = 0; start < data.length; start += chunkBytes) {
      const chunk = isSmall ? data : data.subarray(start, start + chunkBytes);
      position = this.#frameChunk(target, position, chunk);
    }
    return target.subarray(0, position);
  }

  #frameChunk(target: Uint8Array, start: number, chunk: Uint8Array): number {
    const head = encodePayloadHead(chunk.length, this.#seq);
    this.#seq += 1;
    const messageAt = start + framePrefixBytes;
    const headAt = messageAt + this.#before.length;
    const dataAt = headAt + head.length;
    const end = dataAt + chunk.length;
    writeFramePrefix(target, start, end - messageAt);
    target.set(this.#before, messageAt);
    target.set(head, headAt);
    target.set(chunk, dataAt);
    return end;
  }
}
