import { type Body, type BodyStream, emptyBody } from "@outrigger/core";

/** How an engine's answer is slowed down and given up. */
export interface Flow {
  resume(): void;
  /** Ends the exchange; nothing more is pushed. */
  cancel(reason: Error): void;
}

/** Bytes that may wait for the reader before the server is held back. */
const highWaterBytes = 65_536;

/**
 * The body of an answer between an engine that pushes and a reader that pulls. Unlike the own app,
 * whose early end Dapr takes for the end, a server outside that breaks off fails the read: half an
 * answer must not pass for a whole one.
 */
export class AnswerBody implements BodyStream {
  /** Resolves when nothing more comes, however it ended. */
  readonly ended: Promise<void>;
  readonly #flow: Flow;
  #tellEnd: () => void = () => undefined;
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  #paused = false;
  #ended = false;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(flow: Flow) {
    this.#flow = flow;
    this.ended = new Promise((resolve) => {
      this.#tellEnd = resolve;
    });
  }

  /** Returns whether the engine may go on. */
  push(chunk: Uint8Array): boolean {
    if (this.#ended) return true;
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    this.#wake?.();
    this.#paused = this.#bytes >= highWaterBytes;
    return !this.#paused;
  }

  end(failure?: Error): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#failure = failure;
    this.#wake?.();
    this.#tellEnd();
  }

  /** What is complete by the next turn of the event loop, as small answers are, is one array. */
  async settle(): Promise<Body> {
    await new Promise((resolve) => setImmediate(resolve));
    if (!this.#ended) return this;
    if (this.#failure !== undefined) throw this.#failure;
    const chunks = this.#take();
    if (chunks.length === 0) return emptyBody;
    return chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks);
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return {
      next: () => this.#next(),
      return: async () => {
        this.#take();
        if (!this.#ended) {
          this.end();
          this.#flow.cancel(new Error("the answer is no longer wanted"));
        }
        return { done: true, value: undefined };
      },
    };
  }

  async #next(): Promise<IteratorResult<Uint8Array>> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) {
        this.#bytes -= chunk.length;
        if (this.#paused && this.#bytes < highWaterBytes / 2) {
          this.#paused = false;
          this.#flow.resume();
        }
        return { done: false, value: chunk };
      }
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#ended) return { done: true, value: undefined };
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
  }

  #take(): Uint8Array[] {
    const chunks = this.#chunks;
    this.#chunks = [];
    this.#bytes = 0;
    return chunks;
  }
}
