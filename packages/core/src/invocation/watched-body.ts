import type { BodyStream } from "../call.ts";

/** Passes a body on and says once how it ended. An early end by the reader is not a failure. */
export class WatchedBody implements BodyStream {
  /** Whether it was read to its end, or as far as anybody wanted. */
  readonly ended: Promise<boolean>;
  readonly #source: BodyStream;
  #end: (whole: boolean) => void = () => undefined;

  /** @param signal of the caller, who may leave before anything is read. */
  constructor(source: BodyStream, signal: AbortSignal) {
    this.#source = source;
    this.ended = new Promise((resolve) => {
      const onAbort = (): void => this.#end(false);
      this.#end = (whole) => {
        signal.removeEventListener("abort", onAbort);
        resolve(whole);
      };
      signal.addEventListener("abort", onAbort, { once: true });
    });
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    const iterator = this.#source[Symbol.asyncIterator]();
    return {
      next: () => this.#watch(iterator.next()),
      return: () => {
        this.#end(true);
        return iterator.return?.() ?? Promise.resolve({ done: true, value: undefined });
      },
    };
  }

  async #watch(step: Promise<IteratorResult<Uint8Array>>): Promise<IteratorResult<Uint8Array>> {
    try {
      const result = await step;
      if (result.done) this.#end(true);
      return result;
    } catch (reason) {
      this.#end(false);
      throw reason;
    }
  }
}
