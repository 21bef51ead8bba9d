import { parseOptions } from "@outrigger/core";
import * as v from "valibot";
import type { Clock } from "./clock.ts";
import type { ResiliencyEvent } from "./events.ts";
import type { RetryBudgetOptions } from "./retry-budget.ts";

/** How failed attempts are repeated. */
export interface RetryOptions {
  /** Default `constant`. */
  readonly policy?: "constant" | "exponential" | undefined;
  /** Every pause of a constant policy. Default 5000. */
  readonly durationMs?: number | undefined;
  /** Cap of an exponential policy's interval, which begins at 500. Default 60000. */
  readonly maxIntervalMs?: number | undefined;
  /** Attempts after the first. Negative is unlimited, and the default. */
  readonly maxRetries?: number | undefined;
  /** HTTP statuses worth a retry, for example `429,500-599`. Default: all failures. */
  readonly httpStatusCodes?: string | undefined;
  /** gRPC codes worth a retry, for example `4,14`. Default: all failures. */
  readonly grpcStatusCodes?: string | undefined;
}

/** When calls are not even tried. */
export interface CircuitBreakerOptions {
  /** Calls let through while half-open. Default 1. */
  readonly maxRequests?: number | undefined;
  /** Age at which counts begin anew while closed. Default 0: never. */
  readonly intervalMs?: number | undefined;
  /** How long calls are refused once it has opened. Default 60000. */
  readonly timeoutMs?: number | undefined;
  /**
   * CEL over `requests`, `totalSuccesses`, `totalFailures`, `consecutiveSuccesses` and
   * `consecutiveFailures`. Default `consecutiveFailures > 5`.
   */
  readonly trip?: string | undefined;
}

/** When an attempt that takes long is joined by another one, at another instance. */
export interface HedgeOptions {
  /** Time without an answer in milliseconds. Better well above what most calls take. */
  readonly delayMs: number;
  /** Attempts of one call at the same time, up to 5. Default 2. */
  readonly maxAttempts?: number | undefined;
}

/** The policies of one target, by name. A name that is not defined stands for nothing. */
export interface TargetOptions {
  readonly timeout?: string | undefined;
  readonly retry?: string | undefined;
  readonly circuitBreaker?: string | undefined;
  readonly hedge?: string | undefined;
  /** Breakers that are kept, one per method. Default 100. */
  readonly circuitBreakerCacheSize?: number | undefined;
}

/** Options of `resiliency`. */
export interface ResiliencyOptions {
  /** Limits of one attempt in milliseconds, by name; 0 and less is none. */
  readonly timeouts?: Readonly<Record<string, number>>;
  readonly retries?: Readonly<Record<string, RetryOptions>>;
  readonly circuitBreakers?: Readonly<Record<string, CircuitBreakerOptions>>;
  /** For requests by HTTP that do no harm when they are made twice: GET, HEAD, OPTIONS, PUT, DELETE. */
  readonly hedges?: Readonly<Record<string, HedgeOptions>>;
  /** Policies by target id: an app id, an endpoint's name, or a URL. */
  readonly apps?: Readonly<Record<string, TargetOptions>>;
  /** Bounds the retries of each target, and the attempts that join others. Default: only the policies do. */
  readonly retryBudget?: RetryBudgetOptions;
  /** Longest request body that is kept for another attempt. Default 4194304. */
  readonly maxReplayBytes?: number;
  /** Hears of what happens. Must not throw. */
  readonly onEvent?: (event: ResiliencyEvent) => void;
  /** Default: the machine's. */
  readonly clock?: Clock;
}

/** All fields of `T` filled in. */
type Filled<T> = { readonly [K in keyof T]-?: Exclude<T[K], undefined> };

/** Checked options. */
export interface ResiliencySettings {
  readonly timeouts: Readonly<Record<string, number>>;
  readonly retries: Readonly<Record<string, Filled<RetryOptions>>>;
  readonly circuitBreakers: Readonly<Record<string, Filled<CircuitBreakerOptions>>>;
  readonly hedges: Readonly<Record<string, Filled<HedgeOptions>>>;
  readonly apps: Readonly<Record<string, Filled<TargetOptions>>>;
  readonly retryBudget?: Filled<RetryBudgetOptions> | undefined;
  readonly maxReplayBytes: number;
  readonly onEvent?: ResiliencyOptions["onEvent"] | undefined;
  readonly clock?: Clock | undefined;
}

const text = v.string("must be text");
const ms = v.number("must be a number of milliseconds");
const whole = v.pipe(v.number("must be a whole number"), v.integer("must be a whole number"));
const share = v.pipe(v.number("must be a number"), v.minValue(0, "must be 0 or more"));
const count = v.pipe(whole, v.minValue(0, "must be 0 or more"));

const retry = v.strictObject({
  policy: v.optional(
    v.picklist(["constant", "exponential"], "must be constant or exponential"),
    "constant",
  ),
  durationMs: v.optional(ms, 5_000),
  maxIntervalMs: v.optional(ms, 60_000),
  maxRetries: v.optional(whole, -1),
  httpStatusCodes: v.optional(text, ""),
  grpcStatusCodes: v.optional(text, ""),
});

const breaker = v.strictObject({
  maxRequests: v.optional(count, 1),
  intervalMs: v.optional(ms, 0),
  timeoutMs: v.optional(ms, 60_000),
  trip: v.optional(text, ""),
});

const hedge = v.strictObject({
  delayMs: v.pipe(ms, v.minValue(0, "must be 0 or more")),
  maxAttempts: v.optional(
    v.pipe(whole, v.minValue(2, "must be 2 or more"), v.maxValue(5, "must be 5 or less")),
    2,
  ),
});

const target = v.strictObject({
  timeout: v.optional(text, ""),
  retry: v.optional(text, ""),
  circuitBreaker: v.optional(text, ""),
  hedge: v.optional(text, ""),
  circuitBreakerCacheSize: v.optional(count, 0),
});

const schema = v.strictObject({
  timeouts: v.optional(v.record(v.string(), ms), {}),
  retries: v.optional(v.record(v.string(), retry), {}),
  circuitBreakers: v.optional(v.record(v.string(), breaker), {}),
  hedges: v.optional(v.record(v.string(), hedge), {}),
  apps: v.optional(v.record(v.string(), target), {}),
  retryBudget: v.optional(
    v.strictObject({ ratio: v.optional(share, 0.2), minPerSecond: v.optional(share, 10) }),
  ),
  maxReplayBytes: v.optional(count, 4_194_304),
  onEvent: v.optional(
    v.custom<(event: ResiliencyEvent) => void>(
      (value) => typeof value === "function",
      "must be a function",
    ),
  ),
  clock: v.optional(
    v.custom<Clock>((value) => typeof value === "object" && value !== null, "must be a clock"),
  ),
});

/** @throws OutriggerError `OTR_OPTIONS_INVALID`. */
export function parseResiliencyOptions(options: ResiliencyOptions): ResiliencySettings {
  return parseOptions("resiliency", schema, options);
}
