import { FrameTracker } from "./frame-tracker.ts";
import { FrameParser, type GrpcFrame } from "./frames.ts";
import type { GrpcStatus } from "./status.ts";

/** What a reader steers: the flow of bytes of one stream. */
export interface FlowControl {
  pause(): void;
  resume(): void;
}

/** Queued bytes above which the stream is paused until the consumer has caught up. */
const highWaterBytes = 64 * 1_024;

/**
 * How long after its head a stream may take to end and still count as complete at once. Small
 * messages end in the same or the next segment; waiting one tick for that spares the consumer all
 * stream handling, and delays the head of real streams by no more than this.
 */
const graceMs = 1;

/** The messages of one direction of a call: a bounded queue with one consumer. */
export class MessageReader implements AsyncIterable<GrpcFrame> {
  readonly #flow: FlowControl;
  readonly #parser: FrameParser;
  readonly #maxMessageBytes: number;
  #tracker: FrameTracker | undefined;
  #frames: GrpcFrame[] = [];
  #queuedBytes = 0;
  #paused = false;
  #ended = false;
  #discarding = false;
  #failure: GrpcStatus | undefined;
  #wakeReader: (() => void) | undefined;
  #wakeSettled: (() => void) | undefined;
  #grace: NodeJS.Timeout | undefined;

  constructor(flow: FlowControl, maxMessageBytes: number) {
    this.#flow = flow;
    this.#parser = new FrameParser(maxMessageBytes);
    this.#maxMessageBytes = maxMessageBytes;
  }

  /** True when no more messages will arrive; some may still be queued. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Why the messages broke off, when they did not end properly. */
  get failure(): GrpcStatus | undefined {
    return this.#failure;
  }

  /** Takes bytes from the stream. Returns the failure that the stream must end with, if any. */
  push(chunk: Uint8Array): GrpcStatus | undefined {
    if (this.#ended || this.#discarding) return undefined;
    const failure =
      this.#tracker === undefined
        ? this.#parser.push(chunk, this.#frames)
        : this.#pass(this.#tracker, chunk);
    this.#queuedBytes += chunk.length;
    if (failure !== undefined) {
      this.end(failure);
      return failure;
    }
    if (this.#frames.length > 0) {
      this.#wakeReader?.();
      if (this.#queuedBytes >= highWaterBytes) this.#pause();
      else this.startGrace();
    }
    return undefined;
  }

  /** The stream has ended, properly or with a failure. */
  end(failure?: GrpcStatus): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#failure = failure;
    this.#wakeReader?.();
    this.#settle();
  }

  /** True when the stream stopped inside a message. */
  get partial(): boolean {
    return this.#tracker?.partial ?? this.#parser.partial;
  }

  /**
   * From now on bytes are handed on as they come, in frames marked as raw: nobody here reads the
   * messages, so none has to be there whole.
   */
  passThrough(): void {
    if (this.#tracker !== undefined) return;
    this.#tracker = new FrameTracker(this.#maxMessageBytes);
    for (const piece of this.#parser.takePending()) this.#pass(this.#tracker, piece);
    if (this.#frames.length > 0) this.#wakeReader?.();
  }

  #pass(tracker: FrameTracker, chunk: Uint8Array): GrpcStatus | undefined {
    const failure = tracker.push(chunk);
    if (failure === undefined) this.#frames.push({ compressed: false, data: chunk, raw: true });
    return failure;
  }

  /** Starts the wait that `settled` resolves after. */
  startGrace(): void {
    if (this.#wakeSettled === undefined || this.#grace !== undefined) return;
    // A late timer means a busy loop, where the rest may wait to be read: let one poll phase pass.
    this.#grace = setTimeout(() => setImmediate(() => this.#settle()), graceMs);
  }

  /**
   * Resolves when the stream has ended, or when it is clear that it will not end at once: the queue
   * is full, or a message is there and the grace period is over.
   */
  settled(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#ended || this.#paused) return resolve();
      this.#wakeSettled = resolve;
      if (this.#frames.length > 0) this.startGrace();
    });
  }

  /** The next message; `undefined` at the end, then see `failure`. */
  async read(): Promise<GrpcFrame | undefined> {
    while (this.#frames.length === 0) {
      if (this.#ended) return undefined;
      this.#unpause();
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve;
      });
      this.#wakeReader = undefined;
    }
    const frame = this.#frames.shift() as GrpcFrame;
    if (this.#frames.length === 0) this.#unpause();
    return frame;
  }

  /** Takes all queued messages at once. */
  take(): GrpcFrame[] {
    const frames = this.#frames;
    this.#frames = [];
    this.#unpause();
    return frames;
  }

  /** Drops what is queued and all that still arrives, so that the stream can end. */
  discard(): void {
    this.#discarding = true;
    this.#frames = [];
    this.#unpause();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<GrpcFrame, void, undefined> {
    for (;;) {
      const frame = await this.read();
      if (frame === undefined) return;
      yield frame;
    }
  }

  #pause(): void {
    if (this.#paused || this.#ended) return;
    this.#paused = true;
    this.#flow.pause();
    this.#settle();
  }

  #unpause(): void {
    this.#queuedBytes = 0;
    if (!this.#paused) return;
    this.#paused = false;
    this.#flow.resume();
  }

  #settle(): void {
    if (this.#grace !== undefined) clearTimeout(this.#grace);
    this.#grace = undefined;
    this.#wakeSettled?.();
    this.#wakeSettled = undefined;
  }
}
