import type { Endpoint } from "@outrigger/core";

/** What a look-up needs from its surroundings. */
export interface LookupSource {
  ask(): void;
  found(): readonly Endpoint[];
  notFound(asked: number): Error;
}

/** Times of a look-up, in milliseconds. */
export interface LookupTimes {
  readonly lookupTimeoutMs: number;
  readonly settleMs: number;
}

/**
 * When the question is repeated. Dapr asks twice at once and then waits for seconds, so that one
 * lost instant is a failed look-up.
 */
const repeatAtMs = [150, 400, 800];

/** One look-up on the network, shared by everybody who misses the same app. */
export class Lookup {
  readonly result: Promise<readonly Endpoint[]>;
  readonly #source: LookupSource;
  readonly #times: LookupTimes;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #resolve: (endpoints: readonly Endpoint[]) => void;
  readonly #reject: (reason: Error) => void;
  #asked = 0;
  #settling = false;
  #ended = false;

  constructor(source: LookupSource, times: LookupTimes) {
    let resolve: (endpoints: readonly Endpoint[]) => void = () => undefined;
    let reject: (reason: Error) => void = () => undefined;
    this.result = new Promise((onResult, onFailure) => {
      resolve = onResult;
      reject = onFailure;
    });
    // Every caller may have gone by the time it fails.
    this.result.catch(() => undefined);
    this.#resolve = resolve;
    this.#reject = reject;
    this.#source = source;
    this.#times = times;
  }

  start(): void {
    this.#ask();
    for (const atMs of repeatAtMs) {
      if (atMs < this.#times.lookupTimeoutMs) this.#after(atMs, () => this.#ask());
    }
    this.#after(this.#times.lookupTimeoutMs, () => this.#finish());
  }

  /**
   * An instance of the app was seen. The first one starts a short wait for its siblings, so that
   * callers of the first moment are spread over all of them.
   */
  seen(): void {
    if (this.#settling || this.#source.found().length === 0) return;
    this.#settling = true;
    this.#after(this.#times.settleMs, () => this.#finish());
  }

  /** Ends it for everybody who waits. */
  cancel(reason: Error): void {
    if (this.#end()) this.#reject(reason);
  }

  #finish(): void {
    if (!this.#end()) return;
    const endpoints = this.#source.found();
    if (endpoints.length > 0) this.#resolve(endpoints);
    else this.#reject(this.#source.notFound(this.#asked));
  }

  #end(): boolean {
    if (this.#ended) return false;
    this.#ended = true;
    for (const timer of this.#timers) clearTimeout(timer);
    return true;
  }

  #ask(): void {
    this.#asked++;
    this.#source.ask();
  }

  #after(delayMs: number, action: () => void): void {
    this.#timers.push(setTimeout(action, delayMs));
  }
}
