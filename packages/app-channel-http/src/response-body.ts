import type { IncomingMessage } from "node:http";
import { abortError, type Body, type BodyStream, emptyBody, ownChunk } from "@outrigger/core";

/**
 * The body of an answer. What has arrived completely by the next turn of the event loop, as small
 * answers have, is one array; anything else is a stream with back-pressure.
 */
export function responseBody(response: IncomingMessage, signal: AbortSignal): Promise<Body> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const onData = (chunk: Buffer): void => {
      chunks.push(chunk);
    };
    const settle = (): void => {
      clearImmediate(turn);
      response.off("data", onData);
      response.off("end", onEnd);
      response.off("error", onError);
    };
    const onEnd = (): void => {
      settle();
      resolve(joined(chunks));
    };
    const onError = (reason: Error): void => {
      settle();
      if (isEarlyEnd(reason, signal)) resolve(joined(chunks));
      else reject(reason);
    };
    const turn = setImmediate(() => {
      response.pause();
      settle();
      resolve(new ResponseStream(response, chunks, signal));
    });
    response.on("data", onData);
    response.once("end", onEnd);
    response.once("error", onError);
  });
}

function joined(chunks: readonly Buffer[]): Uint8Array {
  if (chunks.length === 0) return emptyBody;
  return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
}

/**
 * An app that breaks off counts as having ended its answer, as it does in Dapr. A call that was given
 * up does not: half an answer must not pass for a whole one.
 */
function isEarlyEnd(reason: unknown, signal: AbortSignal): boolean {
  if (signal.aborted) return false;
  const { code } = reason as { code?: string };
  return code === "ECONNRESET" || code === "ERR_STREAM_PREMATURE_CLOSE";
}

/** Takes chunk by chunk as they came: a plain `read()` would copy all that is buffered into one. */
class ResponseStream implements BodyStream, AsyncIterator<Uint8Array, undefined> {
  readonly #response: IncomingMessage;
  readonly #queue: Buffer[];
  readonly #signal: AbortSignal;
  #ended = false;
  #failure: Error | undefined;
  #wake: () => void = () => undefined;

  constructor(response: IncomingMessage, first: Buffer[], signal: AbortSignal) {
    this.#response = response;
    this.#queue = first;
    this.#signal = signal;
    response.on("data", (chunk: Buffer) => {
      this.#queue.push(chunk);
      response.pause();
      this.#wake();
    });
    const end = (): void => {
      this.#ended = true;
      this.#wake();
    };
    response.once("end", end);
    // Until somebody reads, a failure waits here; unheard it would end the process.
    response.on("error", (reason) => {
      // Dapr passes on an answer shorter than declared as a whole one (recorded Dapr behaviour); one
      // without a length, as events are, has no other end than its own.
      const isDeclared = response.headers["content-length"] !== undefined;
      if (!isDeclared || !isEarlyEnd(reason, signal)) this.#failure ??= reason;
      end();
    });
    response.once("close", end);
    response.pause();
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    for (;;) {
      const chunk = this.#queue.shift();
      if (chunk !== undefined) return { done: false, value: ownChunk(chunk) };
      if (this.#failure !== undefined) {
        throw this.#signal.aborted ? abortError(this.#signal) : this.#failure;
      }
      if (this.#ended) return { done: true, value: undefined };
      const arrived = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#response.resume();
      await arrived;
    }
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#response.destroy();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
