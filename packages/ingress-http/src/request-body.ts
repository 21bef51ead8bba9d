import type { Readable } from "node:stream";
import { type Body, type BodyStream, emptyBody, OutriggerError } from "@outrigger/core";

/** How bodies are taken from an engine. */
export interface BodyLimits {
  /** 0 = unlimited. */
  readonly maxBodyBytes: number;
  /** Bodies of known length up to this are read into memory. */
  readonly inlineBodyBytes: number;
}

/**
 * Takes a request's body from an engine's stream: small ones of known length as one array, others
 * as a stream whose reader sets the pace.
 * @param declared length in bytes; `undefined` when only the end of the stream tells.
 * @throws OutriggerError `OTR_ABORTED` when the client leaves before a body that is read here ended.
 */
export function takeBody(
  source: Readable,
  declared: number | undefined,
  limits: BodyLimits,
): Body | Promise<Body> {
  if (declared === 0) return emptyBody;
  if (declared === undefined) return new RequestBody(source, limits.maxBodyBytes);
  if (limits.maxBodyBytes > 0 && declared > limits.maxBodyBytes) return refusedBody;
  if (declared <= limits.inlineBodyBytes) return collect(source, declared);
  return new RequestBody(source, limits.maxBodyBytes);
}

function tooLarge(): OutriggerError {
  return new OutriggerError("stream too large", { code: "OTR_BODY_TOO_LARGE" });
}

/** A body that is known to break the limit fails at the first read, before a byte of it is delivered. */
const refusedBody: BodyStream = {
  [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(tooLarge()) }),
};

function collect(source: Readable, declared: number): Promise<Body> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    source.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      length += chunk.length;
    });
    source.once("end", () => {
      resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, length));
    });
    const left = (): void => {
      const text = `the client left after ${length} of ${declared} bytes`;
      reject(new OutriggerError(text, { code: "OTR_ABORTED" }));
    };
    source.once("error", left);
    source.once("close", left);
  });
}

class RequestBody implements BodyStream {
  readonly #source: Readable;
  readonly #maxBytes: number;

  constructor(source: Readable, maxBytes: number) {
    this.#source = source;
    this.#maxBytes = maxBytes;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    // Ending early must not end the connection: the answer still has to go out on it.
    const chunks = this.#source.iterator({ destroyOnReturn: false });
    let length = 0;
    return {
      next: async () => {
        const result = await chunks.next();
        if (result.done) return { done: true, value: undefined };
        length += result.value.length;
        if (this.#maxBytes > 0 && length > this.#maxBytes) throw tooLarge();
        return { done: false, value: result.value };
      },
      return: async () => {
        await chunks.return?.();
        return { done: true, value: undefined };
      },
    };
  }
}
