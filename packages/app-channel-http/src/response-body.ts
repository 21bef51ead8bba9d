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

class ResponseStream implements BodyStream {
  readonly #response: IncomingMessage;
  readonly #first: Buffer[];
  readonly #signal: AbortSignal;

  constructor(response: IncomingMessage, first: Buffer[], signal: AbortSignal) {
    this.#response = response;
    this.#first = first;
    this.#signal = signal;
    // Until somebody reads, a failure shows in the response's state; unheard it would end the process.
    response.on("error", () => undefined);
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    let rest: AsyncIterator<Buffer> | undefined;
    return {
      next: async () => {
        const first = this.#first.shift();
        if (first !== undefined) return { done: false, value: ownChunk(first) };
        rest ??= this.#response[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
        try {
          const next = await rest.next();
          return next.done === true ? next : { done: false, value: ownChunk(next.value) };
        } catch (reason) {
          if (isEarlyEnd(reason, this.#signal)) return { done: true, value: undefined };
          throw this.#signal.aborted ? abortError(this.#signal) : reason;
        }
      },
      // Works before the first read too, where a generator's own `return` would run nothing.
      return: async () => {
        this.#response.destroy();
        return { done: true, value: undefined };
      },
    };
  }
}
