import type { BodyStream } from "@outrigger/core";
import { framedBytes } from "./frames.ts";
import type { MessageReader } from "./message-reader.ts";

/** What happens when the consumer of frames has no more of them. */
export interface FrameHooks {
  /** All frames are read, or they are not wanted any more. May throw the reason why they broke off. */
  ended(): void;
  /** The consumer stopped early. */
  cancel(): void;
}

/** Messages with their prefixes, in the pieces in which they were received. */
export class ProxyFrames implements BodyStream, AsyncIterator<Uint8Array, undefined> {
  readonly #messages: MessageReader;
  readonly #hooks: FrameHooks;
  #done = false;

  constructor(messages: MessageReader, hooks: FrameHooks) {
    this.#messages = messages;
    messages.passThrough();
    this.#hooks = hooks;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const frame = this.#done ? undefined : await this.#messages.read();
    if (frame !== undefined) return { done: false, value: framedBytes(frame) };
    if (!this.#done) {
      this.#done = true;
      this.#hooks.ended();
    }
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (!this.#done) {
      this.#done = true;
      this.#hooks.cancel();
      this.#hooks.ended();
    }
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
