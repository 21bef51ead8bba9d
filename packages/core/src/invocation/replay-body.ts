import type { BodyStream } from "../call.ts";
import { keepChunk } from "../chunk-memory.ts";
import { OutriggerError } from "../errors.ts";

/**
 * A body that can be read again from its beginning, because what has been read is kept up to a
 * bound. Only the newest reader gets anything, unless it is shared: an attempt that was given up must
 * not take bytes from the next one.
 */
export class ReplayBody implements BodyStream {
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #shared: boolean;
  #maxBytes: number;
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;
  /** Chunks that were dropped from the front. */
  #dropped = 0;
  #reader = 0;
  /** Chunks that the newest reader has taken. */
  #taken = 0;
  #ended = false;
  #pull: Promise<void> | undefined;
  #done = false;
  #failure: { readonly reason: unknown } | undefined;

  /** @param shared several attempts read at the same time, as long as everything is kept. */
  constructor(source: BodyStream, maxBytes: number, shared = false) {
    this.#source = source[Symbol.asyncIterator]();
    this.#shared = shared;
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
    this.#taken = 0;
    this.#ended = false;
    return {
      next: async () => {
        while (position - this.#dropped >= this.#chunks.length && !this.#done) {
          if (this.#failure !== undefined) throw this.#failure.reason;
          await this.#more();
        }
        const isLate = reader !== this.#reader && !(this.#shared && this.repeatable);
        if (isLate || position < this.#dropped) throw givenUp();
        const value = this.#chunks[position - this.#dropped];
        if (value === undefined) return { done: true, value };
        position += 1;
        this.#taken = position;
        if (this.#bytes > this.#maxBytes) this.#drop(position);
        if (this.repeatable) keepChunk(value);
        return { done: false, value };
      },
      // The rest may still be needed; `release` ends the source.
      return: () => {
        if (reader === this.#reader) this.#ended = true;
        if (reader === this.#reader && this.#settled) this.release();
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }

  /** No other attempt follows: what the present one has not read yet passes through, unkept. */
  settle(): void {
    this.#maxBytes = settledBytes;
    this.#drop(this.#taken);
    if (this.#ended) this.release();
  }

  /** Tells the source that nobody reads on. */
  release(): void {
    if (!this.#done) this.#source.return?.().catch(() => undefined);
  }

  get #settled(): boolean {
    return this.#maxBytes === settledBytes;
  }

  #drop(position: number): void {
    if (position <= this.#dropped) return;
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

const settledBytes = -1;

function givenUp(): OutriggerError {
  return new OutriggerError("another attempt reads the body", { code: "OTR_ABORTED" });
}
