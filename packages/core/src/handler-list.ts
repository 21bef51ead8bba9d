import { type BodyStream, isBuffered } from "./call.ts";
import type { HttpRequest, HttpResponse } from "./http-exchange.ts";
import type { HttpMiddlewareComponent } from "./http-middleware.ts";

/** The handlers of a pipeline over a time, and how many requests run through them. The list never changes. */
export class HandlerList {
  readonly handlers: readonly HttpMiddlewareComponent[];
  readonly #onLast: () => void;
  #running = 0;

  /** @param onLast called each time that no request runs through the handlers any more. */
  constructor(handlers: readonly HttpMiddlewareComponent[], onLast: () => void) {
    this.handlers = handlers;
    this.#onLast = onLast;
  }

  get isIdle(): boolean {
    return this.#running === 0;
  }

  /**
   * Counts a request until its answer is out: a body that is streamed is part of the answer, because
   * handlers may stand in its way.
   */
  async count(request: HttpRequest, answer: () => Promise<HttpResponse>): Promise<HttpResponse> {
    this.#running += 1;
    let response: HttpResponse;
    try {
      response = await answer();
    } catch (reason) {
      this.#end();
      throw reason;
    }
    const { body } = response;
    if (!isBuffered(body)) return { ...response, body: this.#countBody(body, request.signal) };
    this.#end();
    return response;
  }

  #countBody(body: BodyStream, signal: AbortSignal): BodyStream {
    let running = true;
    const end = (): void => {
      if (!running) return;
      running = false;
      signal.removeEventListener("abort", end);
      this.#end();
    };
    // Nobody may ever read the answer to a client that is gone.
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
    return new CountedBody(body, end);
  }

  #end(): void {
    this.#running -= 1;
    if (this.#running === 0) this.#onLast();
  }
}

/** A body that tells when its reading is over, however it ends. */
class CountedBody implements BodyStream {
  readonly #body: BodyStream;
  readonly #onEnd: () => void;

  constructor(body: BodyStream, onEnd: () => void) {
    this.#body = body;
    this.#onEnd = onEnd;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    const chunks = this.#body[Symbol.asyncIterator]();
    const onEnd = this.#onEnd;
    return {
      async next() {
        try {
          const result = await chunks.next();
          if (result.done === true) onEnd();
          return result;
        } catch (reason) {
          onEnd();
          throw reason;
        }
      },
      async return() {
        try {
          await chunks.return?.();
        } finally {
          onEnd();
        }
        return { done: true, value: undefined };
      },
    };
  }
}
