import type { ComponentContext, Resiliency } from "@outrigger/core";

type Named<T> = Readonly<Record<string, T>>;

/** A policy of retries, as a Resiliency resource has it. Absent fields have Dapr's defaults. */
export interface RetryRule {
  readonly policy?: string;
  readonly duration?: string;
  readonly maxInterval?: string;
  readonly maxRetries?: number;
  readonly httpStatusCodes?: string;
  readonly grpcStatusCodes?: string;
}

/** A circuit breaker, as a Resiliency resource has it. */
export interface BreakerRule {
  readonly maxRequests?: number;
  readonly interval?: string;
  readonly timeout?: string;
  readonly trip?: string;
}

/** The policies of a target, by name. */
export interface TargetRule {
  readonly timeout?: string;
  readonly retry?: string;
  readonly circuitBreaker?: string;
  readonly circuitBreakerCacheSize?: number;
}

/** A Resiliency resource of Dapr, as far as service invocation reads it. */
export interface ResiliencyResource {
  readonly name: string;
  readonly timeouts?: Named<string>;
  readonly retries?: Named<RetryRule>;
  readonly circuitBreakers?: Named<BreakerRule>;
  readonly apps?: Named<TargetRule>;
}

/** Time that a case owns. */
export interface ResiliencyClock {
  /** Milliseconds that only ever grow. */
  now(): number;
  /** Calls back once after `delayMs`. Returns what cancels it. */
  after(delayMs: number, callback: () => void): () => void;
}

/** Policies made of resources. */
export interface MadeResiliency {
  readonly resiliency: Resiliency;
  /** A line for the log about each resource that is left out. */
  readonly problems: readonly string[];
}

/** An implementation of core's `Resiliency` under test. */
export interface ResiliencySubject {
  /** Makes the policies. All pauses and limits go by the clock, chance by `context.random`. */
  readonly make: (
    resources: readonly ResiliencyResource[],
    clock: ResiliencyClock,
    context: ComponentContext,
  ) => Promise<MadeResiliency> | MadeResiliency;
  readonly features?: ResiliencyFeatures;
}

/** What an implementation may leave out. All are on unless they are `false`. */
export interface ResiliencyFeatures {
  /** `trip` may be any CEL expression over the counts. */
  readonly expressions?: boolean;
  /** `DaprBuiltInServiceRetries` replaces the runtime's own retries. */
  readonly builtIns?: boolean;
}
