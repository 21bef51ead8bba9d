import type { Clock } from "./clock.ts";

/** How many retries a target may get for its calls. */
export interface RetryBudgetOptions {
  /** Retries per call, on the average. Default 0.2. */
  readonly ratio?: number | undefined;
  /** Retries per second that few calls may have anyway. Default 10. */
  readonly minPerSecond?: number | undefined;
}

/** Seconds of saved-up retries that may be spent at once. */
const reserveSeconds = 10;

/**
 * Keeps the retries of a target in proportion to its calls: when everything fails, retries add a
 * part to its load and do not multiply it.
 */
export class RetryBudget {
  readonly #ratio: number;
  readonly #perMs: number;
  readonly #capacity: number;
  readonly #clock: Clock;
  #balance: number;
  #settledAt: number;

  constructor(
    { ratio, minPerSecond }: Readonly<{ ratio: number; minPerSecond: number }>,
    clock: Clock,
  ) {
    this.#ratio = ratio;
    this.#perMs = minPerSecond / 1_000;
    this.#capacity = Math.max(1, minPerSecond * reserveSeconds);
    this.#clock = clock;
    this.#balance = this.#capacity;
    this.#settledAt = clock.now();
  }

  /** A call has begun. */
  deposit(): void {
    this.#balance = Math.min(this.#capacity, this.#balance + this.#ratio);
  }

  /** Whether a retry may be made; it is spent then. */
  withdraw(): boolean {
    const now = this.#clock.now();
    const earned = (now - this.#settledAt) * this.#perMs;
    this.#settledAt = now;
    this.#balance = Math.min(this.#capacity, this.#balance + earned);
    // Sums of fractions fall short of a whole by a little.
    if (this.#balance < 1 - 1e-9) return false;
    this.#balance -= 1;
    return true;
  }
}
