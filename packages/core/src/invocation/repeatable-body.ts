import { type Body, type BodyStream, type InvokeRequest, isBuffered } from "../call.ts";
import { ReplayBody } from "./replay-body.ts";

/**
 * Remembers whether anybody has begun to read a streamed body. Until then a failed attempt can be
 * repeated elsewhere: nothing of the body is lost.
 */
export class TrackedBody implements BodyStream {
  readonly #source: BodyStream;
  #started = false;

  constructor(source: BodyStream) {
    this.#source = source;
  }

  get started(): boolean {
    return this.#started;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    const iterator = this.#source[Symbol.asyncIterator]();
    const tracked: AsyncIterator<Uint8Array> = {
      next: () => {
        this.#started = true;
        return iterator.next();
      },
      return: () => iterator.return?.() ?? Promise.resolve({ done: true, value: undefined }),
    };
    return tracked;
  }
}

/**
 * The body, made to outlive a failed attempt as well as it can: a streamed one of a declared length
 * is kept within the bound, others are whole until somebody reads them. Buffered ones, and those
 * that are kept already, pass as they are.
 * @param maxReplayBytes 0 keeps nothing.
 */
export function repeatableBody(
  { body, bodyLength = Number.POSITIVE_INFINITY }: Pick<InvokeRequest, "body" | "bodyLength">,
  maxReplayBytes: number,
): Body {
  if (isBuffered(body) || body instanceof ReplayBody) return body;
  return bodyLength <= maxReplayBytes
    ? new ReplayBody(body, maxReplayBytes)
    : new TrackedBody(body);
}

/** True while an attempt can be repeated with this body. */
export function canRepeat(body: Body): boolean {
  if (body instanceof ReplayBody) return body.repeatable;
  return isBuffered(body) || (body instanceof TrackedBody && !body.started);
}
