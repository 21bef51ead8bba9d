import type {
  BuiltInRetry,
  CallPolicy,
  ComponentContext,
  ComponentFactory,
  Resiliency,
} from "@outrigger/core";
import { builtInRetry } from "./built-in.ts";
import { ComposedPolicy, type PolicyTools } from "./call-policy.ts";
import { type BreakerSettings, CircuitBreaker } from "./circuit-breaker.ts";
import { systemClock } from "./clock.ts";
import {
  parseResiliencyOptions,
  type ResiliencyOptions,
  type ResiliencySettings,
} from "./options.ts";
import { compilePolicies, type Policies, type TargetPolicies } from "./policies.ts";
import { RecentlyUsed } from "./recently-used.ts";
import { RetryBudget } from "./retry-budget.ts";

/**
 * Timeouts, retries and circuit breakers.
 * @throws OutriggerError `OTR_OPTIONS_INVALID`.
 */
export function resiliency(options: ResiliencyOptions = {}): ComponentFactory<Resiliency> {
  const settings = parseResiliencyOptions(options);
  const policies = compilePolicies(settings);
  return (context) => new ConfiguredResiliency(settings, policies, context);
}

/** Targets without an entry whose breakers are remembered: callers choose the names. */
const maxTargets = 1_024;

class ConfiguredResiliency implements Resiliency {
  readonly name = "resiliency";
  readonly builtInRetry: BuiltInRetry | undefined;
  readonly #targets: ReadonlyMap<string, TargetPolicies>;
  readonly #defaults: TargetPolicies;
  readonly #tools: PolicyTools;
  /** Breakers by target, then by key. */
  readonly #breakers = new Map<string, RecentlyUsed<CircuitBreaker>>();
  readonly #otherBreakers = new RecentlyUsed<RecentlyUsed<CircuitBreaker>>(maxTargets);

  readonly #budgetSettings: ResiliencySettings["retryBudget"];
  readonly #budgets = new RecentlyUsed<RetryBudget>(maxTargets);

  constructor(settings: ResiliencySettings, policies: Policies, context: ComponentContext) {
    const { targets, defaults } = policies;
    const { log, random, now } = context;
    this.#tools = {
      clock: settings.clock ?? systemClock,
      log,
      epochNow: now,
      random,
      maxReplayBytes: settings.maxReplayBytes,
      onEvent: settings.onEvent,
    };
    for (const warning of policies.warnings) log.log("warn", warning);
    this.#budgetSettings = settings.retryBudget;
    this.#targets = targets;
    this.#defaults = defaults;
    this.builtInRetry = builtInRetry(policies.serviceRetry, this.#tools);
    for (const [name, { cacheSize }] of targets) {
      this.#breakers.set(name, new RecentlyUsed(cacheSize));
    }
  }

  hasTarget(appId: string): boolean {
    return this.#targets.has(appId);
  }

  policyFor(target: string, key: string): CallPolicy | undefined {
    const { timeoutMs, retry, breaker, hedge } = this.#targets.get(target) ?? this.#defaults;
    const hasTimeout = timeoutMs !== undefined && timeoutMs !== 0;
    const hasOther = retry !== undefined || breaker !== undefined || hedge !== undefined;
    if (!hasTimeout && !hasOther) return undefined;
    const found = breaker && this.#breakerOf(target, key, breaker);
    const { onEvent } = this.#tools;
    if (onEvent !== undefined) {
      const lookup = { type: "lookup", target } as const;
      if (hasTimeout) onEvent({ ...lookup, policy: "timeout" });
      if (retry !== undefined) onEvent({ ...lookup, policy: "retry" });
      if (found !== undefined) onEvent({ ...lookup, policy: "circuitbreaker", state: found.state });
    }
    const budget = (retry ?? hedge) && this.#budgetOf(target);
    return new ComposedPolicy(
      { target, key, timeoutMs, retry, breaker: found, hedge, budget },
      this.#tools,
    );
  }

  #budgetOf(target: string): RetryBudget | undefined {
    const settings = this.#budgetSettings;
    if (settings === undefined) return undefined;
    return this.#budgets.get(target, () => new RetryBudget(settings, this.#tools.clock));
  }

  #breakerOf(target: string, key: string, settings: BreakerSettings): CircuitBreaker {
    const breakers =
      this.#breakers.get(target) ??
      this.#otherBreakers.get(target, () => new RecentlyUsed(this.#defaults.cacheSize));
    return breakers.get(key, () => this.#createBreaker(key, settings));
  }

  #createBreaker(key: string, settings: BreakerSettings): CircuitBreaker {
    const { clock, log } = this.#tools;
    return new CircuitBreaker(settings, clock, (from, to) => {
      log.log("info", `Circuit breaker ${JSON.stringify(key)} changed state from ${from} to ${to}`);
    });
  }
}
