import { OutriggerError } from "@outrigger/core";
import type { Clock } from "./clock.ts";
import type { BreakerState } from "./events.ts";
import type { Counts, Trip } from "./trip.ts";

/** How a breaker behaves. */
export interface BreakerSettings {
  /** Calls let through while half-open. */
  readonly maxRequests: number;
  /** Age at which the counts of the closed state begin anew; 0 = never. */
  readonly intervalMs: number;
  /** Length of the open state. */
  readonly timeoutMs: number;
  readonly trip: Trip;
}

/** Tells how an admitted attempt ended. Returns the new state when it changed by that. */
export type Report = (succeeded: boolean) => BreakerState | undefined;

/**
 * Counts in generations, as `sony/gobreaker` does: an attempt that began before the last change of
 * state says nothing about the present one.
 */
export class CircuitBreaker {
  readonly #settings: BreakerSettings;
  readonly #clock: Clock;
  readonly #changed: (from: BreakerState, to: BreakerState) => void;
  #state: BreakerState = "closed";
  #generation = 0;
  #counts: Counts = noCounts;
  #expiresAt: number | undefined;

  constructor(
    settings: BreakerSettings,
    clock: Clock,
    changed: (from: BreakerState, to: BreakerState) => void,
  ) {
    this.#settings = settings;
    this.#clock = clock;
    this.#changed = changed;
    this.#renew();
  }

  /** An open state that has lasted long enough becomes half-open here. */
  get state(): BreakerState {
    const hasExpired = this.#expiresAt !== undefined && this.#expiresAt < this.#clock.now();
    if (hasExpired && this.#state === "closed") this.#renew();
    if (hasExpired && this.#state === "open") this.#enter("half-open");
    return this.#state;
  }

  /** @throws OutriggerError `OTR_CIRCUIT_OPEN` when the attempt is not let through. */
  admit(): Report {
    const { state } = this;
    if (state === "open") throw refusal("circuit breaker is open");
    if (state === "half-open" && this.#counts.requests >= this.#settings.maxRequests) {
      throw refusal("too many requests");
    }
    const generation = this.#generation;
    this.#counts = { ...this.#counts, requests: this.#counts.requests + 1 };
    return (succeeded) => {
      const before = this.state;
      if (generation !== this.#generation) return undefined;
      if (succeeded) this.#succeed();
      else this.#fail();
      return this.#state === before ? undefined : this.#state;
    };
  }

  #succeed(): void {
    const { requests, totalSuccesses, totalFailures, consecutiveSuccesses } = this.#counts;
    this.#counts = {
      requests,
      totalSuccesses: totalSuccesses + 1,
      totalFailures,
      consecutiveSuccesses: consecutiveSuccesses + 1,
      consecutiveFailures: 0,
    };
    const isRecovered = consecutiveSuccesses + 1 >= this.#settings.maxRequests;
    if (this.#state === "half-open" && isRecovered) this.#enter("closed");
  }

  #fail(): void {
    const { requests, totalSuccesses, totalFailures, consecutiveFailures } = this.#counts;
    this.#counts = {
      requests,
      totalSuccesses,
      totalFailures: totalFailures + 1,
      consecutiveSuccesses: 0,
      consecutiveFailures: consecutiveFailures + 1,
    };
    if (this.#state === "half-open" || this.#settings.trip(this.#counts)) this.#enter("open");
  }

  #enter(state: BreakerState): void {
    const from = this.#state;
    this.#state = state;
    this.#renew();
    this.#changed(from, state);
  }

  #renew(): void {
    this.#generation += 1;
    this.#counts = noCounts;
    this.#expiresAt = this.#expiry();
  }

  #expiry(): number | undefined {
    const { intervalMs, timeoutMs } = this.#settings;
    if (this.#state === "open") return this.#clock.now() + timeoutMs;
    return this.#state === "closed" && intervalMs > 0 ? this.#clock.now() + intervalMs : undefined;
  }
}

const noCounts: Counts = {
  requests: 0,
  totalSuccesses: 0,
  totalFailures: 0,
  consecutiveSuccesses: 0,
  consecutiveFailures: 0,
};

function refusal(message: string): OutriggerError {
  return new OutriggerError(message, { code: "OTR_CIRCUIT_OPEN" });
}
