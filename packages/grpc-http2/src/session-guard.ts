import { constants, type Http2Session, type ServerHttp2Stream } from "node:http2";

/** What one client may do to a server. */
export interface SessionLimits {
  /** Streams open at the same time; more are refused. */
  readonly maxStreamsPerSession: number;
  /** Streams that break off within one second; more end the session. */
  readonly maxResetsPerSecond: number;
  /** Least time between two pings, in milliseconds; 0 allows any. */
  readonly minPingIntervalMs: number;
}

/** Dapr's server has no bound on streams and resets; its ping interval is this one. */
export const defaultLimits: SessionLimits = {
  maxStreamsPerSession: 10_000,
  maxResetsPerSecond: 1_000,
  minPingIntervalMs: 8_000,
};

/** Pings too early that Go's gRPC library forgives. */
const maxPingStrikes = 2;

/** More than the control frames that can answer a ping: something of a call was sent. */
const controlBytes = 64;

/** Ends the session of a client that makes a server work without taking its answers. */
export class SessionGuard {
  readonly #session: Http2Session;
  readonly #limits: SessionLimits;
  #openStreams = 0;
  #resets = 0;
  #resetsSince = 0;
  #pingedAt = Number.NEGATIVE_INFINITY;
  #strikes = 0;
  #hasSent = false;
  #bytesAtPing = 0;

  constructor(session: Http2Session, limits: SessionLimits) {
    this.#session = session;
    this.#limits = limits;
    if (limits.minPingIntervalMs > 0) session.on("ping", () => this.#onPing());
  }

  get openStreams(): number {
    return this.#openStreams;
  }

  /** Counts a new stream until it closes. False when it was refused. */
  admit(stream: ServerHttp2Stream): boolean {
    // A session that was given up goes on parsing what it has read already.
    if (this.#session.destroyed || this.#openStreams >= this.#limits.maxStreamsPerSession) {
      stream.on("error", () => undefined);
      stream.close(constants.NGHTTP2_REFUSED_STREAM);
      return false;
    }
    this.#openStreams += 1;
    return true;
  }

  /** An admitted stream has closed. */
  left(stream: ServerHttp2Stream): void {
    this.#openStreams -= 1;
    if (stream.aborted || stream.rstCode !== constants.NGHTTP2_NO_ERROR) this.#onReset();
  }

  /** Something of a call was sent: clients that measure the path ping after that. */
  sent(): void {
    this.#hasSent = true;
  }

  #onReset(): void {
    if (this.#session.destroyed) return;
    const now = performance.now();
    if (now - this.#resetsSince >= 1_000) {
      this.#resetsSince = now;
      this.#resets = 0;
    }
    this.#resets += 1;
    if (this.#resets > this.#limits.maxResetsPerSecond) this.#giveUp("too_many_resets");
  }

  /** The rule of Go's gRPC library, which pings without streams are allowed by. */
  #onPing(): void {
    if (this.#session.destroyed) return;
    const now = performance.now();
    const early = now - this.#pingedAt < this.#limits.minPingIntervalMs;
    this.#pingedAt = now;
    if (this.#takeSent()) this.#strikes = 0;
    else if (early) this.#strikes += 1;
    if (this.#strikes > maxPingStrikes) this.#giveUp("too_many_pings");
  }

  /** True when a call sent something since the last ping, also out of a queue. */
  #takeSent(): boolean {
    const { bytesWritten } = this.#session.socket;
    const hasSent = this.#hasSent || bytesWritten - this.#bytesAtPing > controlBytes;
    this.#bytesAtPing = bytesWritten;
    this.#hasSent = false;
    return hasSent;
  }

  #giveUp(reason: string): void {
    this.#session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, 0, Buffer.from(reason));
    // Not now: node:http2 may be in the middle of what it has read.
    setImmediate(() => this.#session.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM));
  }
}
