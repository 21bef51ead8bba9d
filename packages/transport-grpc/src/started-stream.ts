import type { BodyStream } from "@outrigger/core";

/** A body whose first chunk has been asked for, to learn whether it is there already. */
export class StartedStream implements BodyStream {
  readonly #rest: AsyncIterator<Uint8Array>;
  #first: Promise<IteratorResult<Uint8Array>> | undefined;

  constructor(body: BodyStream) {
    this.#rest = body[Symbol.asyncIterator]();
    this.#first = this.#rest.next();
  }

  /** Takes the first chunk when it comes in time; else it stays the first of the iteration. */
  async firstWithin(timeoutMs: number): Promise<Uint8Array | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), timeoutMs);
    });
    try {
      const first = await Promise.race([this.#first, late]);
      if (first === undefined || first.done === true) return undefined;
      this.#first = undefined;
      return first.value;
    } finally {
      clearTimeout(timer);
    }
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return {
      next: () => {
        const first = this.#first;
        this.#first = undefined;
        return first ?? this.#rest.next();
      },
      return: () => this.#rest.return?.() ?? Promise.resolve({ done: true, value: undefined }),
    };
  }
}
