import { errorText, type Logger } from "@outrigger/core";
import type { IssuedToken } from "./token-endpoint.ts";

/** Where tokens come from and when they are renewed. */
export interface SharedTokenSettings {
  readonly fetch: (signal: AbortSignal) => Promise<IssuedToken>;
  readonly renewBeforeMs: number;
  readonly log: Logger;
  readonly now: () => number;
}

/** A token whose provider does not tell its end is taken for this old at most. */
const untoldLifetimeMs = 3_600_000;

interface HeldToken {
  readonly header: string;
  readonly renewAt: number;
  readonly usableUntil: number;
}

/** The one token of all requests. Whoever needs it while it is being fetched waits for that fetch. */
export class SharedToken {
  readonly #settings: SharedTokenSettings;
  readonly #unneeded = new AbortController();
  #waiting = 0;
  #stopped = false;
  #held: HeldToken | undefined;
  #fetching: Promise<HeldToken> | undefined;

  constructor(settings: SharedTokenSettings) {
    this.#settings = settings;
  }

  /**
   * The value of the header. A token near its end serves on while another is fetched.
   * @throws errors of the fetch, and the signal's reason when it is aborted before.
   */
  async header(signal: AbortSignal): Promise<string> {
    const held = this.#held;
    const at = this.#settings.now();
    if (held !== undefined && at < held.renewAt) return held.header;
    const fetching = this.#fetch();
    if (held !== undefined && at < held.usableUntil) return held.header;
    this.#waiting += 1;
    try {
      return (await untilAborted(fetching, signal)).header;
    } finally {
      this.#waiting -= 1;
      this.#release();
    }
  }

  /** Ends a fetch as soon as no request waits for it any more. */
  stop(): void {
    this.#stopped = true;
    this.#release();
  }

  #release(): void {
    if (this.#stopped && this.#waiting === 0) this.#unneeded.abort();
  }

  #fetch(): Promise<HeldToken> {
    if (this.#fetching !== undefined) return this.#fetching;
    const fetching = this.#renew();
    this.#fetching = fetching;
    // Nobody may be waiting: the token at hand serves on.
    fetching.catch(() => undefined);
    return fetching;
  }

  async #renew(): Promise<HeldToken> {
    const { fetch, log, now, renewBeforeMs } = this.#settings;
    try {
      const askedAt = now();
      const { header, lifetimeMs = untoldLifetimeMs } = await fetch(this.#unneeded.signal);
      const marginMs = Math.min(renewBeforeMs, lifetimeMs / 2);
      const expiresAt = askedAt + lifetimeMs;
      // The last part of its life is for the way to who checks it.
      const usableUntil = expiresAt - marginMs / 6;
      this.#held = { header, renewAt: expiresAt - marginMs, usableUntil };
      return this.#held;
    } catch (reason) {
      const text = `middleware-oauth2-client-credentials: Error acquiring token: ${errorText(reason)}`;
      if (!this.#unneeded.signal.aborted) log.log("error", text);
      throw reason;
    } finally {
      this.#fetching = undefined;
    }
  }
}

async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let onAbort = (): void => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
