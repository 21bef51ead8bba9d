import { isBuffered } from "./call.ts";
import { errorText } from "./errors.ts";
import { HandlerList } from "./handler-list.ts";
import type { HttpHandler, HttpRequest, HttpResponse } from "./http-exchange.ts";
import type { HttpMiddlewareComponent, HttpPipeline } from "./http-middleware.ts";
import type { Logger } from "./logger.ts";

/** Answer in place of a handler that failed. */
const failed: HttpResponse = {
  status: 500,
  headers: ["Content-Type", "text/plain; charset=utf-8", "X-Content-Type-Options", "nosniff"],
  body: new TextEncoder().encode("Internal Server Error\n"),
};

/**
 * A pipeline whose handlers can be exchanged while it serves: a request runs to its end through the
 * handlers that it began with. A list is never changed, so requests share no state.
 */
export class LiveHttpPipeline implements HttpPipeline {
  readonly #log: Logger;
  /** Lists that were replaced and still serve requests. */
  readonly #earlier = new Set<HandlerList>();
  readonly #waiting = new Set<() => void>();
  #current: HandlerList;

  constructor(log: Logger) {
    this.#log = log;
    this.#current = this.#listOf([]);
  }

  get isEmpty(): boolean {
    return this.#current.handlers.length === 0;
  }

  /** Requests that begin from now on run through these; the first one is the outermost. */
  replace(handlers: readonly HttpMiddlewareComponent[]): void {
    if (!this.#current.isIdle) this.#earlier.add(this.#current);
    this.#current = this.#listOf([...handlers]);
  }

  run(request: HttpRequest, last: HttpHandler): Promise<HttpResponse> {
    const list = this.#current;
    if (list.handlers.length === 0) return last(request);
    const run = new PipelineRun(list.handlers, request, last, this.#log);
    return list.count(request, () => run.answer());
  }

  /**
   * Resolves when no request runs through a handler that `replace` has taken out. A client that
   * reads its answer slowly holds it up, so a caller that cannot wait must not rely on it.
   */
  async whenUnused(handler: HttpMiddlewareComponent): Promise<void> {
    while ([...this.#earlier].some(({ handlers }) => handlers.includes(handler))) {
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  #listOf(handlers: readonly HttpMiddlewareComponent[]): HandlerList {
    const list = new HandlerList(handlers, () => {
      if (!this.#earlier.delete(list)) return;
      const waiting = [...this.#waiting];
      this.#waiting.clear();
      for (const resolve of waiting) resolve();
    });
    return list;
  }
}

/** One request on its way through the handlers. */
class PipelineRun {
  readonly #handlers: readonly HttpMiddlewareComponent[];
  readonly #request: HttpRequest;
  readonly #last: HttpHandler;
  readonly #log: Logger;
  /** How far the request has come: no handler may pass it on twice. */
  #reached = -1;
  #lastResponse: HttpResponse | undefined;
  #lastFailure: { readonly reason: unknown } | undefined;
  #over = false;

  constructor(
    handlers: readonly HttpMiddlewareComponent[],
    request: HttpRequest,
    last: HttpHandler,
    log: Logger,
  ) {
    this.#handlers = handlers;
    this.#request = request;
    this.#last = last;
    this.#log = log;
  }

  async answer(): Promise<HttpResponse> {
    try {
      const response = await this.#enter(0, this.#request);
      this.#releaseUnless(response);
      return response;
    } catch (reason) {
      this.#releaseUnless(undefined);
      if (this.#lastFailure?.reason === reason || this.#request.signal.aborted) throw reason;
      const path = JSON.stringify(this.#request.path);
      this.#log.log("error", `HTTP middleware failed for ${path}: ${errorText(reason)}`);
      return failed;
    } finally {
      this.#over = true;
    }
  }

  async #enter(index: number, request: HttpRequest): Promise<HttpResponse> {
    // A handler that is slow to pass on must not do so when the answer is already out.
    if (this.#over) throw new Error("next was called after the request was answered");
    if (index <= this.#reached) throw new Error("next was called twice");
    this.#reached = index;
    const handler = this.#handlers[index];
    if (handler === undefined) return this.#finish(request);
    const response = await handler.handle(request, (passed) => this.#enter(index + 1, passed));
    if (!isResponse(response)) {
      throw new Error(`${handler.name} answered with something that is no response`);
    }
    return response;
  }

  async #finish(request: HttpRequest): Promise<HttpResponse> {
    try {
      this.#lastResponse = await this.#last(this.#withLength(request));
      return this.#lastResponse;
    } catch (reason) {
      this.#lastFailure = { reason };
      throw reason;
    }
  }

  /** A body in memory tells its length itself. */
  #withLength(request: HttpRequest): HttpRequest {
    const { body, bodyLength } = request;
    if (body === this.#request.body || !isBuffered(body) || bodyLength === body.length) {
      return request;
    }
    return { ...request, bodyLength: body.length };
  }

  /** Nobody would read a stream that a handler has answered in place of, and its producer would wait. */
  #releaseUnless(answer: HttpResponse | undefined): void {
    const body = this.#lastResponse?.body;
    if (body === undefined || isBuffered(body)) return;
    if (answer !== undefined && !isBuffered(answer.body)) return;
    void Promise.resolve(body[Symbol.asyncIterator]().return?.()).catch(() => undefined);
  }
}

/** Handlers come from packages of anybody; what they answer reaches an HTTP engine. */
function isResponse(value: unknown): value is HttpResponse {
  if (typeof value !== "object" || value === null) return false;
  const { status, headers, body } = value as Partial<Record<keyof HttpResponse, unknown>>;
  return (
    Number.isInteger(status) &&
    Number(status) >= 100 &&
    Number(status) <= 999 &&
    Array.isArray(headers) &&
    headers.length % 2 === 0 &&
    headers.every((text) => typeof text === "string") &&
    (body instanceof Uint8Array ||
      (typeof body === "object" && body !== null && Symbol.asyncIterator in body))
  );
}
