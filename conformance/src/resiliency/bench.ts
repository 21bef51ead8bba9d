import {
  type AttemptResult,
  type PolicedCall,
  type Resiliency,
  silentLogger,
} from "@outrigger/core";
import { testContext } from "../context.ts";
import { CaseClock } from "./case-clock.ts";
import type { ResiliencyResource, ResiliencySubject } from "./subject.ts";

/**
 * What an attempt comes to: an answer, one that failed with a code, one that failed without, an
 * error, or nothing, whatever its signal says. With `afterMs`, that later.
 */
export type Outcome = "ok" | number | "no-code" | "throws" | "hangs";

/** A call of a case. */
export interface CaseCall {
  readonly target?: string;
  readonly key?: string;
  /** One for each attempt; the last one is that of all further attempts. Default: `ok`. */
  readonly outcomes?: readonly Outcome[];
  /** How long each attempt takes, in milliseconds. Default 0. */
  readonly attemptMs?: number;
  readonly signal?: AbortSignal;
  /** Milliseconds from now until nobody waits. */
  readonly deadlineInMs?: number;
  readonly repeatable?: boolean;
  readonly untimed?: boolean;
  /** `ended` of the answers that did not fail. */
  readonly ended?: Promise<boolean>;
}

/** What became of a call so far. */
export interface CallRecord {
  /** When each attempt began, in milliseconds since the call did. */
  readonly attempts: number[];
  /** The signals that the attempts got. */
  readonly signals: AbortSignal[];
  readonly discarded: string[];
  /** Pauses that were announced, in milliseconds. */
  readonly announced: number[];
  /** Whether an attempt may follow, as the policy says. */
  readonly retries: boolean;
  value: string | undefined;
  reason: unknown;
  over: boolean;
  tookMs: number;
}

/** Further attempts hang: retries without a pause would keep the process busy for ever. */
const maxAttempts = 20_000;

/** The error of attempts that throw; one for each attempt. */
export class AttemptError extends Error {}

/** Policies, and a clock for them. */
export class PolicyBench {
  readonly clock: CaseClock = new CaseClock();
  readonly lines: string[] = [];
  problems: readonly string[] = [];
  /** What chance gives. */
  random = 0.5;
  #resiliency: Resiliency | undefined;

  static async of(
    { make }: ResiliencySubject,
    ...resources: readonly ResiliencyResource[]
  ): Promise<PolicyBench> {
    const bench = new PolicyBench();
    const context = testContext({
      now: () => bench.clock.now(),
      random: () => bench.random,
      log: { ...silentLogger, log: (level, text) => void bench.lines.push(`${level} ${text}`) },
    });
    const { resiliency, problems } = await make(resources, bench.clock, context);
    bench.#resiliency = resiliency;
    bench.problems = problems;
    return bench;
  }

  get resiliency(): Resiliency {
    if (this.#resiliency === undefined) throw new Error("not made");
    return this.#resiliency;
  }

  /** Begins a call. */
  begin(call: CaseCall = {}): CallRecord {
    const { target = "orders", key = `${target}:m` } = call;
    const policy = this.resiliency.policyFor(target, key);
    const record: CallRecord = {
      attempts: [],
      signals: [],
      discarded: [],
      announced: [],
      retries: policy?.retries ?? false,
      value: undefined,
      reason: undefined,
      over: false,
      tookMs: 0,
    };
    const policed = this.#policed(call, record);
    const running =
      policy === undefined
        ? policed.attempt(policed.signal).then(({ value }) => value)
        : policy.run(policed);
    const startedAt = this.clock.now();
    const end = (): void => {
      record.over = true;
      record.tookMs = this.clock.now() - startedAt;
    };
    running.then(
      (value) => {
        record.value = value;
        end();
      },
      (reason: unknown) => {
        record.reason = reason;
        end();
      },
    );
    return record;
  }

  /** Makes a call, and lets time pass until it is over, at most `withinMs`. */
  async call(call: CaseCall = {}, withinMs = 100_000): Promise<CallRecord> {
    const record = this.begin(call);
    await this.clock.advance(withinMs, () => record.over);
    return record;
  }

  /** Makes several calls, one after the other, without time between them. */
  async calls(count: number, call: CaseCall = {}): Promise<readonly CallRecord[]> {
    const records: CallRecord[] = [];
    for (let index = 0; index < count; index++) records.push(await this.call(call));
    return records;
  }

  #policed(call: CaseCall, record: CallRecord): PolicedCall<string> {
    const { outcomes = ["ok"], attemptMs = 0, deadlineInMs, repeatable = true } = call;
    const startedAt = this.clock.now();
    return {
      signal: call.signal ?? new AbortController().signal,
      deadlineMs: deadlineInMs === undefined ? undefined : startedAt + deadlineInMs,
      untimed: call.untimed ?? false,
      attempt: async (signal) => {
        const number = record.attempts.push(this.clock.now() - startedAt);
        record.signals.push(signal);
        if (attemptMs > 0) {
          await new Promise<void>((resolve) => void this.clock.after(attemptMs, resolve));
        }
        if (number > maxAttempts) return resultOf("hangs", number, call.ended);
        const outcome = outcomes[Math.min(number, outcomes.length) - 1] ?? "ok";
        return resultOf(outcome, number, call.ended);
      },
      repeatable: () => repeatable,
      discard: (value) => void record.discarded.push(value),
      retrying: (_reason, delayMs) => void record.announced.push(delayMs),
    };
  }
}

async function resultOf(
  outcome: Outcome,
  number: number,
  ended: Promise<boolean> | undefined,
): Promise<AttemptResult<string>> {
  switch (outcome) {
    case "ok":
      return ended === undefined ? { value: `ok ${number}` } : { value: `ok ${number}`, ended };
    case "throws":
      throw new AttemptError(`attempt ${number}`);
    case "hangs":
      return new Promise(() => undefined);
    case "no-code":
      return { value: `failed ${number}`, failure: { code: undefined } };
    default:
      return { value: `${outcome} ${number}`, failure: { code: outcome } };
  }
}
