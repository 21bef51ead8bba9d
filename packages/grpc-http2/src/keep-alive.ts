import type { Http2Session } from "node:http2";

/** How a session is kept alive, and when it is given up. All in milliseconds. */
export interface KeepAliveTimes {
  /** Silence after which a ping is sent, also without streams. */
  readonly pingMs: number;
  /** Wait for its acknowledgement; then the session is destroyed. */
  readonly pingTimeoutMs: number;
  /** Time without streams after which the session is closed. */
  readonly idleMs: number;
}

/** Dapr's times. A client that pings faster than every 8 s is disconnected by it. */
export const daprKeepAlive: KeepAliveTimes = {
  pingMs: 10_000,
  pingTimeoutMs: 5_000,
  idleMs: 180_000,
};

/** Pings a session that is silent and closes one that is idle, until it closes. */
export class KeepAlive {
  readonly #session: Http2Session;
  readonly #times: KeepAliveTimes;
  readonly #streams: () => number;
  readonly #tick: NodeJS.Timeout;
  #ack: NodeJS.Timeout | undefined;
  #active = true;
  #idleMs = 0;

  /** @param streams how many streams are open now. */
  constructor(session: Http2Session, times: KeepAliveTimes, streams: () => number) {
    this.#session = session;
    this.#times = times;
    this.#streams = streams;
    this.#tick = setInterval(() => this.#check(), times.pingMs).unref();
    session.once("close", () => {
      clearInterval(this.#tick);
      clearTimeout(this.#ack);
    });
  }

  /** Something arrived or was sent. */
  touch(): void {
    this.#active = true;
    this.#idleMs = 0;
  }

  #check(): void {
    if (this.#session.destroyed) return;
    if (this.#streams() > 0) this.#idleMs = 0;
    else this.#idleMs += this.#times.pingMs;
    if (this.#idleMs >= this.#times.idleMs) {
      this.#session.close();
      return;
    }
    if (this.#active) {
      this.#active = false;
      return;
    }
    this.#ping();
  }

  #ping(): void {
    if (this.#ack !== undefined) return;
    const acknowledged = (): void => {
      clearTimeout(this.#ack);
      this.#ack = undefined;
    };
    if (!this.#session.ping(acknowledged)) return;
    this.#ack = setTimeout(() => {
      this.#session.destroy(new Error("keepalive ping was not acknowledged"));
    }, this.#times.pingTimeoutMs).unref();
  }
}
