/** A stream that a case feeds by hand, and that tells what its reader does. */
export class TestStream implements AsyncIterable<Uint8Array> {
  /** How often the reader asked for a chunk. */
  pulls = 0;
  /** Whether the reader stopped before the end. */
  returned = false;
  readonly #results: (IteratorResult<Uint8Array, undefined> | { readonly failure: Error })[] = [];
  #wake: (() => void) | undefined;
  #over = false;

  push(...chunks: readonly Uint8Array[]): void {
    for (const value of chunks) this.#results.push({ done: false, value });
    this.#wake?.();
  }

  end(): void {
    this.#results.push({ done: true, value: undefined });
    this.#wake?.();
  }

  fail(failure: Error): void {
    this.#results.push({ failure });
    this.#wake?.();
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    return { next: () => this.#next(), return: () => this.#return() };
  }

  async #next(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.pulls += 1;
    while (!this.#over) {
      const result = this.#results.shift();
      if (result !== undefined && "failure" in result) throw result.failure;
      if (result !== undefined) return result;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return { done: true, value: undefined };
  }

  async #return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.returned = true;
    this.#over = true;
    this.#wake?.();
    return { done: true, value: undefined };
  }
}

/** More than any reader takes by accident, and little enough for one that takes everything. */
const maxChunks = 4_096;

/** A long stream that counts the bytes that were taken from it. */
export class LongStream implements AsyncIterable<Uint8Array> {
  takenBytes = 0;
  returned = false;
  readonly #chunk = new Uint8Array(16_384).fill(0x61);

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, undefined> {
    let left = maxChunks;
    return {
      next: async () => {
        // Lets others run: a reader that never stops must not hang the case.
        await new Promise<void>((resolve) => setImmediate(resolve));
        if (this.returned || left-- === 0) return { done: true, value: undefined };
        this.takenBytes += this.#chunk.length;
        return { done: false, value: this.#chunk };
      },
      return: async () => {
        this.returned = true;
        return { done: true, value: undefined };
      },
    };
  }
}

/** Lets everything run that needs no time, and what polls; on a busy machine, too. */
export async function settle(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 30));
  for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
}
