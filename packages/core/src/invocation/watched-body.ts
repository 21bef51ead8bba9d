import type { BodyStream } from "../call.ts";

/** Passes a body on and says once how it ended. An early end by the reader is not a failure. */
export class WatchedBody implements BodyStream {
  readonly ended: Promise<void>;
  readonly #source: BodyStream;
  #end: (failure?: { readonly reason: unknown }) => void = () => undefined;

  /** @param signal of the caller, who may leave before anything is read. */
  constructor(source: BodyStream, signal: AbortSignal) {
    this.#source = source;
    this.ended = new Promise((resolve, reject) => {
      const onAbort = (): void => this.#end({ reason: signal.reason });
      this.#end = (failure) => {
        signal.removeEventListener("abort", onAbort);
        if (failure === undefined) resolve();
        else reject(failure.reason);
      };
      signal.addEventListener("abort", onAbort, { once: true });
    });
    // Whoever is interested hears of it; nobody has to be.
    this.ended.catch(() => undefined);
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    const iterator = this.#source[Symbol.asyncIterator]();
    return {
      next: () => this.#watch(iterator.next()),
      return: () => {
        this.#end();
        return iterator.return?.() ?? Promise.resolve({ done: true, value: undefined });
      },
    };
  }

  async #watch(step: Promise<IteratorResult<Uint8Array>>): Promise<IteratorResult<Uint8Array>> {
    try {
      const result = await step;
      if (result.done) this.#end();
      return result;
    } catch (reason) {
      this.#end({ reason });
      throw reason;
    }
  }
}
