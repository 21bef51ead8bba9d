import type { BodyStream } from "../call.ts";
import { OutriggerError } from "../errors.ts";

/**
 * A body that can be read again from its beginning, because what has been read is kept up to a
 * bound. Only the newest reader gets anything: an attempt that was given up must not take bytes from
 * the next one.
 */
export class ReplayBody implements BodyStream {
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #maxBytes: number;
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;
  /** Chunks that were dropped from the front. */
  #dropped = 0;
  #reader = 0;
  #pull: Promise<void> | undefined;
  #done = false;
  #failure: { readonly reason: unknown } | undefined;

  constructor(source: BodyStream, maxBytes: number) {
    this.#source = source[Symbol.asyncIterator]();
    this.#maxBytes = maxBytes;
  }

  /** False once the source itself has failed, or more came than is kept. */
  get repeatable(): boolean {
    return this.#failure === undefined && this.#bytes <= this.#maxBytes;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    this.#reader += 1;
    const reader = this.#reader;
    let position = 0;
    return {
      next: async () => {
        while (position - this.#dropped >= this.#chunks.length && !this.#done) {
          if (this.#failure !== undefined) throw this.#failure.reason;
          await this.#more();
        }
        if (reader !== this.#reader || position < this.#dropped) throw givenUp();
        const value = this.#chunks[position - this.#dropped];
        if (value === undefined) return { done: true, value };
        position += 1;
        if (this.#bytes > this.#maxBytes) this.#drop(position);
        // A copy: whoever sends a chunk may free its memory.
        return { done: false, value: this.repeatable ? new Uint8Array(value) : value };
      },
      // The rest may still be needed; `release` ends the source.
      return: () => Promise.resolve({ done: true, value: undefined }),
    };
  }

  /** Tells the source that nobody reads on. */
  release(): void {
    if (!this.#done) this.#source.return?.().catch(() => undefined);
  }

  #drop(position: number): void {
    this.#chunks.splice(0, position - this.#dropped);
    this.#dropped = position;
  }

  #more(): Promise<void> {
    this.#pull ??= this.#read().finally(() => {
      this.#pull = undefined;
    });
    return this.#pull;
  }

  async #read(): Promise<void> {
    try {
      const { done, value } = await this.#source.next();
      if (done === true) {
        this.#done = true;
        return;
      }
      this.#bytes += value.length;
      this.#chunks.push(value);
    } catch (reason) {
      this.#failure = { reason };
    }
  }
}

function givenUp(): OutriggerError {
  return new OutriggerError("another attempt reads the body", { code: "OTR_ABORTED" });
}
