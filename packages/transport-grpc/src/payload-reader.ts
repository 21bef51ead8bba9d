import { type BodyStream, emptyBody, OutriggerError } from "@outrigger/core";
import type { GrpcFrame, MessageReader } from "@outrigger/grpc-http2";
import type { StreamPayload } from "@outrigger/protocol";

/** What differs between the bodies of requests and those of answers. */
export interface PayloadSource {
  readonly messages: MessageReader;
  /** The payload of a later message. @throws OutriggerError when the message holds anything else. */
  payloadOf(frame: GrpcFrame): StreamPayload | undefined | Promise<StreamPayload | undefined>;
  /** The failure to raise when no more messages come; `undefined` at a proper end. */
  failure(): Error | undefined;
  /** The body is not wanted any more, or broken. */
  cancel(): void;
}

/** The body of one direction: payloads in the order of their sequence numbers. */
export class PayloadReader implements BodyStream, AsyncIterator<Uint8Array, undefined> {
  readonly #source: PayloadSource;
  #queue: Uint8Array[] = [];
  #seq = 0;
  #done = false;

  constructor(source: PayloadSource) {
    this.#source = source;
  }

  /** Takes one payload. @throws OutriggerError when it is out of order. */
  accept(payload: StreamPayload | undefined): void {
    if (payload === undefined) return;
    if (payload.seq !== this.#seq) {
      throw violation(`invalid sequence number received: ${payload.seq} (expected: ${this.#seq})`);
    }
    this.#seq += 1;
    if (payload.data.length > 0) this.#queue.push(payload.data);
  }

  /** Takes the messages that are already there. Call it once, when they are all. */
  async readQueued(): Promise<Uint8Array> {
    for (const frame of this.#source.messages.take()) {
      const payload = this.#source.payloadOf(frame);
      this.accept(payload instanceof Promise ? await payload : payload);
    }
    this.#done = true;
    const chunks = this.#queue;
    if (chunks.length === 0) return emptyBody;
    return chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks);
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    try {
      for (;;) {
        const chunk = this.#queue.shift();
        if (chunk !== undefined) return { done: false, value: chunk };
        if (this.#done) return { done: true, value: undefined };
        const frame = await this.#source.messages.read();
        if (frame !== undefined) {
          this.accept(await this.#source.payloadOf(frame));
          continue;
        }
        this.#done = true;
        const failure = this.#source.failure();
        if (failure !== undefined) throw failure;
      }
    } catch (reason) {
      this.#stop();
      throw reason;
    }
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#stop();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #stop(): void {
    this.#done = true;
    this.#queue = [];
    this.#source.cancel();
  }
}

/** A peer that does not keep to the chunk protocol. */
export function violation(message: string): OutriggerError {
  return new OutriggerError(message, { code: "OTR_PROTOCOL_VIOLATION" });
}
