import { type Body, type BodyStream, isBuffered } from "../call.ts";

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

/** The body, with streams made observable. Buffered bodies pass as they are. */
export function trackBody(body: Body): Body {
  return isBuffered(body) ? body : new TrackedBody(body);
}

/** True while an attempt can be repeated with this body. */
export function canRepeat(body: Body): boolean {
  return isBuffered(body) || (body instanceof TrackedBody && !body.started);
}
