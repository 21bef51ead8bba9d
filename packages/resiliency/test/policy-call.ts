import {
  type AttemptResult,
  type CallPolicy,
  type ComponentContext,
  type Logger,
  silentLogger,
} from "@outrigger/core";
import { type ResiliencyEvent, type ResiliencyOptions, resiliency } from "@outrigger/resiliency";
import { FakeClock } from "./fake-clock.ts";

/** Policies on a clock of the test's own, with what they log and tell. */
export class PolicyBench {
  readonly clock = new FakeClock();
  readonly lines: string[] = [];
  readonly events: ResiliencyEvent[] = [];
  /** Times of the attempts since the start, in milliseconds. */
  readonly attempts: number[] = [];
  /** Answers that somebody else's took the place of. */
  readonly discarded: string[] = [];
  random = 0.5;
  readonly #component: ReturnType<ReturnType<typeof resiliency>>;

  constructor(options: ResiliencyOptions) {
    const log: Logger = {
      ...silentLogger,
      log: (level, message) => void this.lines.push(`${level} ${message}`),
    };
    const context: ComponentContext = {
      appId: "checkout",
      namespace: "default",
      log,
      now: () => this.clock.now(),
      random: () => this.random,
    };
    const onEvent = (event: ResiliencyEvent): void => void this.events.push(event);
    this.#component = resiliency({ clock: this.clock, onEvent, ...options })(context);
  }

  get component(): ReturnType<ReturnType<typeof resiliency>> {
    return this.#component;
  }

  policy(target = "orders", key = `${target}:m`): CallPolicy | undefined {
    return this.#component.policyFor(target, key);
  }

  /** One call whose attempts do what the test says. Without a policy it is a single attempt. */
  async call(
    attempt: (
      number: number,
      signal: AbortSignal,
    ) => AttemptResult<string> | Promise<AttemptResult<string>>,
    options: {
      readonly target?: string;
      readonly key?: string;
      readonly signal?: AbortSignal;
      readonly deadlineMs?: number;
      readonly repeatable?: boolean;
      readonly untimed?: boolean;
      /** Instances that the target has, for attempts that join others. */
      readonly instances?: number;
    } = {},
  ): Promise<string> {
    const { target = "orders", key = `${target}:m`, repeatable = true, untimed = false } = options;
    const policy = this.policy(target, key);
    let number = 0;
    const run = async (signal: AbortSignal): Promise<AttemptResult<string>> => {
      number += 1;
      this.attempts.push(this.clock.now() - 1_000);
      return attempt(number, signal);
    };
    const signal = options.signal ?? new AbortController().signal;
    if (policy === undefined) return (await run(signal)).value;
    const { instances } = options;
    return policy.run({
      ...(instances === undefined ? {} : { hedgeable: (underWay) => underWay < instances }),
      signal,
      deadlineMs: options.deadlineMs,
      untimed,
      attempt: run,
      repeatable: () => repeatable,
      discard: (value) => void this.discarded.push(value),
    });
  }
}

/** An answer with a status that counts as a failure. */
export function failed(code: number | undefined): AttemptResult<string> {
  return { value: `failed ${code}`, failure: { code } };
}

export const succeeded: AttemptResult<string> = { value: "ok" };
