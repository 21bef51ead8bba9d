import { framePrefixBytes, readPrefix } from "./frames.ts";
import type { GrpcStatus } from "./status.ts";

/**
 * Follows the messages in a byte stream whose bytes pass through as they come. Nothing is put
 * together or copied: only prefixes are looked at, for their bounds and their limit.
 */
export class FrameTracker {
  readonly #maxBytes: number;
  readonly #prefix = new Uint8Array(framePrefixBytes);
  #prefixLength = 0;
  #bytesLeft = 0;

  constructor(maxMessageBytes: number) {
    this.#maxBytes = maxMessageBytes;
  }

  /** True in the middle of a message. */
  get partial(): boolean {
    return this.#bytesLeft > 0 || this.#prefixLength > 0;
  }

  /** Returns the failure that ends the stream, if any; the bytes must not be passed on then. */
  push(chunk: Uint8Array): GrpcStatus | undefined {
    let offset = 0;
    while (offset < chunk.length) {
      if (this.#bytesLeft > 0) {
        const taken = Math.min(this.#bytesLeft, chunk.length - offset);
        this.#bytesLeft -= taken;
        offset += taken;
        continue;
      }
      this.#prefix[this.#prefixLength] = chunk[offset] as number;
      this.#prefixLength += 1;
      offset += 1;
      if (this.#prefixLength < framePrefixBytes) continue;
      this.#prefixLength = 0;
      const length = readPrefix(this.#prefix, 0, this.#maxBytes);
      if (typeof length !== "number") return length;
      this.#bytesLeft = length;
    }
    return undefined;
  }
}
