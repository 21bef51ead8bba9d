import type { Readable } from "node:stream";
import { type Body, type BodyStream, emptyBody, OutriggerError, ownChunk } from "@outrigger/core";

/** How bodies are taken from an engine. */
export interface BodyLimits {
  /** 0 = unlimited. */
  readonly maxBodyBytes: number;
  /** Bodies of known length up to this are read into memory. */
  readonly inlineBodyBytes: number;
  /** Bound on the arrival of one that is read into memory. */
  readonly inlineBodyTimeoutMs: number;
}

/**
 * Takes a request's body from an engine's stream: small ones of known length as one array, others
 * as a stream whose reader sets the pace.
 * @param declared length in bytes; `undefined` when only the end of the stream tells.
 * @throws OutriggerError `OTR_ABORTED` when the client leaves before a body that is read here ended,
 *   `OTR_TIMEOUT` when such a body does not come in time.
 */
export function takeBody(
  source: Readable,
  declared: number | undefined,
  limits: BodyLimits,
): Body | Promise<Body> {
  if (declared === 0) return emptyBody;
  if (declared === undefined) return new RequestBody(source, limits.maxBodyBytes);
  if (limits.maxBodyBytes > 0 && declared > limits.maxBodyBytes) return refusedBody;
  if (declared <= limits.inlineBodyBytes)
    return collect(source, declared, limits.inlineBodyTimeoutMs);
  return new RequestBody(source, limits.maxBodyBytes);
}

function tooLarge(): OutriggerError {
  return new OutriggerError("stream too large", { code: "OTR_BODY_TOO_LARGE" });
}

/** A body that is known to break the limit fails at the first read, before a byte of it is delivered. */
const refusedBody: BodyStream = {
  [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(tooLarge()) }),
};

/** True for what `takeBody` throws when a body did not come in time. */
export function isLateBody(reason: unknown): boolean {
  return reason instanceof LateBodyError;
}

class LateBodyError extends OutriggerError {
  constructor(length: number, declared: number) {
    super(`only ${length} of ${declared} bytes came in time`, { code: "OTR_TIMEOUT" });
  }
}

function collect(source: Readable, declared: number, timeoutMs: number): Promise<Body> {
  return new Promise((resolve, reject) => {
    let body: Buffer | undefined;
    let length = 0;
    const timer = setTimeout(() => reject(new LateBodyError(length, declared)), timeoutMs);
    source.on("data", (chunk: Buffer) => {
      // Most bodies are one chunk. The others are copied as they come: a client that sends bytes one
      // by one must not make us keep an object, and what was read with it, for each.
      if (body === undefined && chunk.length >= declared) body = chunk;
      else {
        body ??= Buffer.allocUnsafeSlow(declared);
        chunk.copy(body, length);
      }
      length += chunk.length;
    });
    source.once("end", () => {
      // The usual end: without this, every request would make an error that nobody sees.
      source.off("close", left);
      clearTimeout(timer);
      resolve(body?.subarray(0, length) ?? emptyBody);
    });
    const left = (): void => {
      clearTimeout(timer);
      const text = `the client left after ${length} of ${declared} bytes`;
      reject(new OutriggerError(text, { code: "OTR_ABORTED" }));
    };
    source.once("error", left);
    source.once("close", left);
  });
}

/** A client that still sends after this much that nobody wants is cut off. Go's server takes 256 KiB. */
const maxDiscardedBytes = 64 * 1_024 * 1_024;

/**
 * A body that its reader pulls. When nobody needs the rest, it is thrown away as it comes in: a client
 * that writes its whole body before it reads would otherwise wait forever for an answer that is there.
 */
class RequestBody implements BodyStream {
  readonly #source: Readable;
  readonly #maxBytes: number;
  #length = 0;
  #attached = false;
  #released = false;
  #wake: () => void = () => undefined;

  constructor(source: Readable, maxBytes: number) {
    this.#source = source;
    this.#maxBytes = maxBytes;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return {
      next: () => this.#next(),
      // Ending early must not end the connection: the answer still has to go out on it.
      return: async () => {
        this.release();
        return { done: true, value: undefined };
      },
    };
  }

  /** Fails a reader that still waits and discards what is left. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    const source = this.#source;
    source.off("readable", this.#onEvent);
    this.#wake();
    if (source.readableEnded || source.destroyed) return;
    let left = maxDiscardedBytes;
    source.on("data", (chunk: Buffer) => {
      left -= chunk.length;
      if (left < 0) source.destroy();
    });
    source.resume();
  }

  async #next(): Promise<IteratorResult<Uint8Array>> {
    this.#attach();
    const source = this.#source;
    for (;;) {
      if (source.readableEnded) return { done: true, value: undefined };
      if (this.#released || source.destroyed) throw abandoned(this.#length);
      const chunk: Buffer | null = source.read();
      if (chunk !== null) return { done: false, value: ownChunk(this.#counted(chunk)) };
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #counted(chunk: Buffer): Buffer {
    this.#length += chunk.length;
    if (this.#maxBytes === 0 || this.#length <= this.#maxBytes) return chunk;
    this.release();
    throw tooLarge();
  }

  readonly #onEvent = (): void => this.#wake();

  #attach(): void {
    if (this.#attached || this.#released) return;
    this.#attached = true;
    for (const event of ["readable", "end", "error", "close"]) {
      this.#source.on(event, this.#onEvent);
    }
  }
}

function abandoned(length: number): OutriggerError {
  return new OutriggerError(`the request's body was abandoned after ${length} bytes`, {
    code: "OTR_ABORTED",
  });
}

/** Ends the reading of a request's body once its answer is complete. */
export function releaseBody(body: Body): void {
  if (body instanceof RequestBody) body.release();
}
