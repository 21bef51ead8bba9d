const firstMs = 100;
/** A pause that has lasted this long may be ended by somebody who needs the answer. */
const wakeAfterMs = 250;

interface Pause {
  readonly since: number;
  readonly end: () => void;
}

/** Pauses that get longer with each failure, up to a limit, and that a demand can cut short. */
export class Backoff {
  readonly #maxMs: number;
  readonly #random: () => number;
  #count = 0;
  #pause: Pause | undefined;

  constructor(maxMs: number, random: () => number) {
    this.#maxMs = maxMs;
    this.#random = random;
  }

  get pausing(): boolean {
    return this.#pause !== undefined;
  }

  /** The next pause is a short one. */
  reset(): void {
    this.#count = 0;
  }

  pause(): Promise<void> {
    // The exponent stays small: 2 ** 1024 is Infinity.
    const fullMs = Math.min(this.#maxMs, firstMs * 2 ** Math.min(this.#count++, 20));
    // Half of it at random: the sidecars of a cluster must not come back all at once.
    const delayMs = fullMs * (0.5 + this.#random() / 2);
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#pause = undefined;
        resolve();
      };
      const timer = setTimeout(end, delayMs);
      this.#pause = { since: performance.now(), end };
    });
  }

  /** Ends the pause when it has lasted long enough. Tells whether it did. */
  wake(afterMs: number = wakeAfterMs): boolean {
    const pause = this.#pause;
    if (pause === undefined || performance.now() - pause.since < afterMs) return false;
    pause.end();
    return true;
  }
}
