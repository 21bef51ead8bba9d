import { Readable } from "node:stream";
import { abortError, type Body, type HeaderList, isBuffered } from "@outrigger/core";
import { type Dispatcher, Pool } from "undici";
import { AnswerBody } from "./answer-body.ts";
import type { BaseUrl } from "./base-url.ts";
import { byteString, type EngineAnswer, type EngineRequest } from "./engine-answer.ts";
import type { RequestHead } from "./request-head.ts";

/** What a pool of HTTP/1.1 connections works with. */
export interface Http1Parts {
  readonly base: BaseUrl;
  readonly maxConnections: number;
  readonly idleTimeoutMs: number;
  readonly maxResponseHeaderBytes: number;
  readonly connect: NonNullable<Pool.Options["connect"]>;
}

/** The pool of one server. */
export function http1Pool(parts: Http1Parts): Pool {
  return new Pool(parts.base.origin, {
    connections: parts.maxConnections,
    connect: parts.connect,
    pipelining: 1,
    keepAliveTimeout: parts.idleTimeoutMs,
    keepAliveMaxTimeout: parts.idleTimeoutMs,
    maxHeaderSize: parts.maxResponseHeaderBytes,
    // How long an answer may take is the caller's decision.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
}

/** Sends one request over HTTP/1.1. @throws undici's errors, and those of the body. */
export function exchangeHttp1(pool: Pool, request: EngineRequest): Promise<EngineAnswer> {
  const { head, body, signal } = request;
  return new Promise((resolve, reject) => {
    const upload = payload(body);
    const exchange = new Http1Exchange(request, upload, resolve, reject);
    if (signal.aborted) {
      exchange.onError(abortError(signal));
      return;
    }
    try {
      pool.dispatch(
        {
          path: head.path,
          method: head.method as Dispatcher.HttpMethod,
          headers: framed(head),
          body: upload,
        },
        exchange,
      );
    } catch (reason) {
      exchange.onError(reason instanceof Error ? reason : new Error(String(reason)));
    }
  });
}

function framed({ headers, contentLength }: RequestHead): string[] {
  const list = [...headers];
  // Without a length undici sends chunks.
  if (contentLength !== undefined && contentLength > 0) {
    list.push("Content-Length", `${contentLength}`);
  }
  return list;
}

function payload(body: Body): Uint8Array | Readable | null {
  if (isBuffered(body)) return body.length === 0 ? null : body;
  const upload = Readable.from(body, { objectMode: false, highWaterMark: 65_536 });
  // The exchange fails with it; an error that nobody hears would end the process.
  upload.on("error", () => undefined);
  return upload;
}

class Http1Exchange implements Dispatcher.DispatchHandlers {
  readonly #request: EngineRequest;
  readonly #upload: Uint8Array | Readable | null;
  readonly #resolve: (answer: EngineAnswer) => void;
  readonly #reject: (reason: unknown) => void;
  readonly #onAbort: () => void;
  #abort: ((reason: Error) => void) | undefined;
  #answer: AnswerBody | undefined;
  #closed = false;

  constructor(
    request: EngineRequest,
    upload: Uint8Array | Readable | null,
    resolve: (answer: EngineAnswer) => void,
    reject: (reason: unknown) => void,
  ) {
    this.#request = request;
    this.#upload = upload;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#onAbort = () => this.#cancel(abortError(request.signal));
    request.signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  onConnect(abort: (reason?: Error) => void): void {
    this.#abort = abort;
    // Given up while it waited for a connection.
    if (this.#closed) abort(abortError(this.#request.signal));
  }

  onHeaders(status: number, rawHeaders: Buffer[], resume: () => void): boolean {
    if (status < 200 || this.#closed) return true;
    const flow = { resume, cancel: (reason: Error) => this.#cancel(reason) };
    const answer = new AnswerBody(flow, () => this.#close());
    this.#answer = answer;
    const headers: HeaderList = rawHeaders.map(byteString);
    answer.settle().then((body) => this.#resolve({ status, headers, body }), this.#reject);
    return true;
  }

  onData(chunk: Buffer): boolean {
    return this.#answer?.push(chunk) ?? true;
  }

  onComplete(): void {
    this.#answer?.end();
    this.#close();
  }

  onError(reason: Error): void {
    this.#reject(reason);
    this.#answer?.end(reason);
    this.#close();
  }

  #cancel(reason: Error): void {
    this.onError(reason);
    this.#abort?.(reason);
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#request.signal.removeEventListener("abort", this.#onAbort);
    // The producer of a body that nobody reads to its end has to know.
    if (this.#upload instanceof Readable) this.#upload.destroy();
    this.#request.onClose();
  }
}
