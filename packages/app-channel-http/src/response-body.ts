import type { Readable } from "node:stream";
import { abortError, type Body, type BodyStream, emptyBody, ownChunk } from "@outrigger/core";

/** An answer whose head has arrived. */
export interface Answer {
  readonly stream: Readable;
  /** Bytes that its head announces, as the app wrote the number. */
  readonly declaredLength: string | undefined;
  /**
   * How the answer failed; `undefined` for one that counts as whole.
   * @param reason what the stream said, if anything.
   * @param isStreaming whether parts may have been passed on.
   * @param isGivenUp whether the caller has left: half an answer must not pass for a whole one.
   */
  failure(reason: Error | undefined, isStreaming: boolean, isGivenUp: boolean): Error | undefined;
  /** Tells the app that nobody wants the rest. */
  cancel(): void;
}

/** Declared bodies up to this length are worth a wait: they come with the head, or right behind. */
const shortBodyBytes = 16_384;
/**
 * How long. A part of an answer that was passed on cannot be taken back: when this sidecar is killed
 * before the rest, the call is lost, where one without an answer is repeated with another instance.
 */
const shortBodyWaitMs = 20;

/**
 * The body of an answer. What has arrived completely by the next turn of the event loop, as small
 * answers have, is one array, and so is a short declared one that takes a moment longer; anything
 * else is a stream with back-pressure.
 */
export function responseBody(answer: Answer, signal: AbortSignal): Promise<Body> {
  const response = answer.stream;
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const onData = (chunk: Buffer): void => {
      chunks.push(chunk);
    };
    let wait: NodeJS.Timeout | undefined;
    const settle = (): void => {
      clearImmediate(turn);
      clearTimeout(wait);
      response.off("data", onData);
      response.off("end", onEnd);
      response.off("error", onError);
    };
    const finish = (reason: Error | undefined): void => {
      settle();
      const failure = answer.failure(reason, false, signal.aborted);
      if (failure === undefined) resolve(joined(chunks));
      else reject(failure);
    };
    const onEnd = (): void => finish(undefined);
    const onError = (reason: Error): void => finish(reason);
    const stream = (): void => {
      response.pause();
      settle();
      resolve(new ResponseStream(answer, chunks, signal));
    };
    let turn = setImmediate(() => {
      if (!(Number(answer.declaredLength) <= shortBodyBytes)) return stream();
      // A timer that is late means a busy loop, where the rest may wait to be read.
      wait = setTimeout(() => {
        turn = setImmediate(stream);
      }, shortBodyWaitMs);
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

/** Takes chunk by chunk as they came: a plain `read()` would copy all that is buffered into one. */
class ResponseStream implements BodyStream, AsyncIterator<Uint8Array, undefined> {
  readonly #answer: Answer;
  readonly #queue: Buffer[];
  readonly #signal: AbortSignal;
  #ended = false;
  #failure: Error | undefined;
  #wake: () => void = () => undefined;

  constructor(answer: Answer, first: Buffer[], signal: AbortSignal) {
    const response = answer.stream;
    this.#answer = answer;
    this.#queue = first;
    this.#signal = signal;
    response.on("data", (chunk: Buffer) => {
      this.#queue.push(chunk);
      response.pause();
      this.#wake();
    });
    const end = (reason?: Error): void => {
      if (!this.#ended) this.#failure = answer.failure(reason, true, signal.aborted);
      this.#ended = true;
      this.#wake();
    };
    response.once("end", () => end());
    // Until somebody reads, a failure waits here; unheard it would end the process.
    response.on("error", end);
    response.once("close", () => end());
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
      this.#answer.stream.resume();
      await arrived;
    }
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#answer.cancel();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
