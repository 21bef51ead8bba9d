import { framePrefixBytes } from "@outrigger/grpc-http2";
import { chunkBytes } from "./chunks.ts";

/** Bytes of a body that one buffer takes; Node's parsers deliver no more at once. */
export const pieceBytes: number = 64 * 1_024;
/** Bytes around the data of one chunk: the frame's prefix, what a message of events adds, both tags
 * and lengths of a payload, and a sequence number of any size. */
export const chunkOverheadBytes: number = framePrefixBytes + 24;

const bufferBytes = (pieceBytes / chunkBytes) * (chunkBytes + chunkOverheadBytes);
/** Buffers kept for later, about 1 MB, in case many streams end at once. */
const maxSpare = 16;

/**
 * Memory for framed chunks, used again as soon as it has been sent. Fresh memory would pile up until
 * the next garbage collection, which is due by the small objects of a stream and not by the megabytes
 * behind them.
 */
export class ChunkBuffers {
  readonly #spare: Uint8Array[] = [];

  /** Room for framed chunks of at most `pieceBytes`. */
  take(): Uint8Array {
    return this.#spare.pop() ?? Buffer.allocUnsafeSlow(bufferBytes);
  }

  /** Takes back any view of such a buffer, and ignores other arrays. Nothing may read it any more. */
  giveBack({ buffer }: Uint8Array): void {
    if (buffer.byteLength !== bufferBytes || this.#spare.length >= maxSpare) return;
    this.#spare.push(new Uint8Array(buffer));
  }
}
