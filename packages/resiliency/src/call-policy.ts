import {
  type AttemptResult,
  abortError,
  type CallPolicy,
  formatGoDuration,
  isOutriggerError,
  type Logger,
  OutriggerError,
  type PolicedCall,
} from "@outrigger/core";
import type { CircuitBreaker } from "./circuit-breaker.ts";
import type { Clock } from "./clock.ts";
import type { ResiliencyEvent } from "./events.ts";
import { HedgedAttempt, type HedgeSettings } from "./hedged-attempt.ts";
import type { RetryBudget } from "./retry-budget.ts";
import { isRepeatable, type Pauses, type RetrySettings, startPauses } from "./retry-policy.ts";
import { timedAttempt } from "./timed-attempt.ts";

/** What the policies of all calls have in common. */
export interface PolicyTools {
  readonly clock: Clock;
  readonly log: Logger;
  /** Milliseconds since the epoch, in which deadlines are given. */
  readonly epochNow: () => number;
  readonly random: () => number;
  readonly maxReplayBytes: number;
  readonly onEvent: ((event: ResiliencyEvent) => void) | undefined;
}

/** The policies that one call found. */
export interface PolicyParts {
  readonly target: string;
  readonly key: string;
  readonly timeoutMs: number | undefined;
  readonly retry: RetrySettings | undefined;
  readonly breaker: CircuitBreaker | undefined;
  readonly hedge: HedgeSettings | undefined;
  readonly budget: RetryBudget | undefined;
}

/**
 * Retry around breaker around time limit around the attempt (Dapr `pkg/resiliency/policy.go`).
 * Attempts that join another one are part of it, so that breakers and time limits see a single one.
 */
export class ComposedPolicy implements CallPolicy {
  readonly retries: boolean;
  readonly hedges: boolean;
  readonly #parts: PolicyParts;
  readonly #tools: PolicyTools;
  readonly #activated: Set<ResiliencyEvent["policy"]> = new Set();

  constructor(parts: PolicyParts, tools: PolicyTools) {
    this.#parts = parts;
    this.#tools = tools;
    this.retries = parts.retry !== undefined && parts.retry.maxRetries !== 0;
    this.hedges = parts.hedge !== undefined;
  }

  get maxReplayBytes(): number {
    return this.#tools.maxReplayBytes;
  }

  async run<T>(call: PolicedCall<T>): Promise<T> {
    const { retry } = this.#parts;
    const { clock, random } = this.#tools;
    this.#parts.budget?.deposit();
    const pauses = retry === undefined ? undefined : startPauses(retry, clock, random);
    for (let attempts = 1; ; attempts++) {
      const outcome = await this.#try(call);
      if ("result" in outcome && outcome.result.failure === undefined) {
        if (attempts > 1) this.#logRecovery(attempts);
        return outcome.result.value;
      }
      const pauseMs = this.#nextPause(call, outcome, pauses);
      if (pauseMs < 0) {
        if ("result" in outcome) return outcome.result.value;
        throw outcome.reason;
      }
      if ("result" in outcome) call.discard(outcome.result.value);
      if (attempts === 1) this.#logRetry(pauseMs);
      call.retrying?.("reason" in outcome ? outcome.reason : undefined, pauseMs);
      await this.#pause(pauseMs, call);
    }
  }

  async #try<T>(call: PolicedCall<T>): Promise<Outcome<T>> {
    try {
      return { result: await this.#attempt(call) };
    } catch (reason) {
      return { reason };
    }
  }

  async #attempt<T>(call: PolicedCall<T>): Promise<AttemptResult<T>> {
    const report = this.#parts.breaker?.admit();
    if (report === undefined) return this.#timed(call);
    const tell = (succeeded: boolean): void => {
      const state = report(succeeded);
      if (state !== undefined) this.#emit({ policy: "circuitbreaker", state });
    };
    try {
      const result = await this.#timed(call);
      const { failure, ended } = result;
      if (failure !== undefined || ended === undefined) tell(failure === undefined);
      else void ended.then(tell);
      return result;
    } catch (reason) {
      tell(false);
      throw reason;
    }
  }

  #timed<T>(policed: PolicedCall<T>): Promise<AttemptResult<T>> {
    const { timeoutMs } = this.#parts;
    const call = this.#hedged(policed);
    if (timeoutMs === undefined || timeoutMs <= 0 || call.untimed) return call.attempt(call.signal);
    return timedAttempt(call, timeoutMs, this.#tools.clock, () => this.#activate("timeout"));
  }

  #hedged<T>(call: PolicedCall<T>): PolicedCall<T> {
    const { hedge } = this.#parts;
    if (hedge === undefined || call.hedgeable === undefined) return call;
    const { clock } = this.#tools;
    const admit = (): boolean => this.#admitHedge();
    return {
      ...call,
      attempt: (signal) => new HedgedAttempt(call, hedge, clock, admit).run(signal),
    };
  }

  /** A target that is being tried out, or that has got too much already, is left alone. */
  #admitHedge(): boolean {
    const { breaker, budget } = this.#parts;
    if (breaker !== undefined && breaker.state !== "closed") return false;
    if (budget?.withdraw() === false) return false;
    const { log } = this.#tools;
    if (log.enabled("debug")) {
      log.log("debug", `No answer yet to ${this.#name()}. Trying another instance\u2026`);
    }
    return true;
  }

  /** -1 when this outcome is the last one. */
  #nextPause<T>(call: PolicedCall<T>, outcome: Outcome<T>, pauses: Pauses | undefined): number {
    const { retry } = this.#parts;
    if (retry === undefined || pauses === undefined || call.signal.aborted) return -1;
    if ("reason" in outcome && isOutriggerError(outcome.reason, "OTR_CIRCUIT_OPEN")) return -1;
    const code = "result" in outcome ? outcome.result.failure?.code : undefined;
    if (!isRepeatable(retry, code) || !call.repeatable() || this.#leftMs(call) <= 0) return -1;
    const pauseMs = pauses();
    return pauseMs >= 0 && this.#parts.budget?.withdraw() === false ? -1 : pauseMs;
  }

  async #pause<T>(pauseMs: number, call: PolicedCall<T>): Promise<void> {
    const leftMs = this.#leftMs(call);
    await sleep(Math.min(pauseMs, leftMs), this.#tools.clock, call.signal);
    if (leftMs > pauseMs) return;
    throw new OutriggerError("context deadline exceeded", { code: "OTR_TIMEOUT" });
  }

  #leftMs<T>({ deadlineMs }: PolicedCall<T>): number {
    return deadlineMs === undefined
      ? Number.POSITIVE_INFINITY
      : deadlineMs - this.#tools.epochNow();
  }

  #logRetry(pauseMs: number): void {
    this.#activate("retry");
    const pause = formatGoDuration(pauseMs);
    const message = `Error processing operation ${this.#name()}. Retrying in ${pause}\u2026`;
    this.#tools.log.log("warn", message);
  }

  #logRecovery(attempts: number): void {
    const message = `Recovered processing operation ${this.#name()} after ${attempts} attempts`;
    this.#tools.log.log("info", message);
  }

  #name(): string {
    return `endpoint[${this.#parts.target}, ${this.#parts.key}]`;
  }

  /** Counted once per call. */
  #activate(policy: "timeout" | "retry"): void {
    if (this.#activated.has(policy)) return;
    this.#activated.add(policy);
    this.#emit({ policy });
  }

  #emit(event: Pick<ResiliencyEvent, "policy" | "state">): void {
    this.#tools.onEvent?.({ type: "activation", target: this.#parts.target, ...event });
  }
}

type Outcome<T> = { readonly result: AttemptResult<T> } | { readonly reason: unknown };

function sleep(delayMs: number, clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      cancel();
      reject(abortError(signal));
    };
    const cancel = clock.after(delayMs, () => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    });
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
  });
}
