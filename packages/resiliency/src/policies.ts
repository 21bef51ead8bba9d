import { errorText, OutriggerError } from "@outrigger/core";
import { withBuiltIns } from "./built-in.ts";
import type { BreakerSettings } from "./circuit-breaker.ts";
import type { HedgeSettings } from "./hedged-attempt.ts";
import type { ResiliencySettings } from "./options.ts";
import type { RetrySettings } from "./retry-policy.ts";
import { parseCodeLists } from "./status-codes.ts";
import { compileTrip } from "./trip.ts";

/** The policies of one target; each is there or not. */
export interface TargetPolicies {
  readonly timeoutMs: number | undefined;
  readonly retry: RetrySettings | undefined;
  readonly breaker: BreakerSettings | undefined;
  readonly hedge: HedgeSettings | undefined;
  /** Breakers that are kept. */
  readonly cacheSize: number;
}

/** Everything that options say, ready for use. */
export interface Policies {
  readonly targets: ReadonlyMap<string, TargetPolicies>;
  /** For every target that is not listed. */
  readonly defaults: TargetPolicies;
  /** What replaces the runtime's own retries, if anything does. */
  readonly serviceRetry: RetrySettings | undefined;
  /** Lines for the log. */
  readonly warnings: readonly string[];
}

const defaultCacheSize = 100;

/** @throws OutriggerError `OTR_OPTIONS_INVALID` for lists of codes and expressions that are wrong. */
export function compilePolicies(settings: ResiliencySettings): Policies {
  const timeouts = new Map(Object.entries(settings.timeouts));
  const configured = mapNamed(settings.retries, (name, retry) =>
    checked(`retries.${name}`, () => {
      const { httpStatusCodes, grpcStatusCodes, ...rest } = retry;
      return { ...rest, codes: parseCodeLists(httpStatusCodes, grpcStatusCodes) };
    }),
  );
  const { retries, service, warnings } = withBuiltIns(configured);
  const breakers = mapNamed(settings.circuitBreakers, (name, breaker) =>
    checked(`circuitBreakers.${name}.trip`, () => toBreaker(breaker)),
  );
  const hedges = new Map(Object.entries(settings.hedges));
  const first = <T>(policies: ReadonlyMap<string, T>, kind: string): T | undefined =>
    policies.get(`DefaultApp${kind}Policy`) ?? policies.get(`Default${kind}Policy`);
  return {
    targets: mapNamed(settings.apps, (_name, target) => ({
      timeoutMs: timeouts.get(target.timeout),
      retry: retries.get(target.retry),
      breaker: breakers.get(target.circuitBreaker),
      hedge: hedges.get(target.hedge),
      cacheSize: target.circuitBreakerCacheSize || defaultCacheSize,
    })),
    defaults: {
      timeoutMs: first(timeouts, "Timeout"),
      retry: first(retries, "Retry"),
      breaker: first(breakers, "CircuitBreaker"),
      hedge: first(hedges, "Hedge"),
      cacheSize: defaultCacheSize,
    },
    serviceRetry: service,
    warnings,
  };
}

function toBreaker(breaker: ResiliencySettings["circuitBreakers"][string]): BreakerSettings {
  const { maxRequests, timeoutMs, intervalMs, trip } = breaker;
  return {
    maxRequests: maxRequests || 1,
    timeoutMs: timeoutMs > 0 ? timeoutMs : 60_000,
    intervalMs,
    trip: compileTrip(trip),
  };
}

function mapNamed<From, To>(
  named: Readonly<Record<string, From>>,
  convert: (name: string, from: From) => To,
): ReadonlyMap<string, To> {
  return new Map(Object.entries(named).map(([name, from]) => [name, convert(name, from)]));
}

function checked<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    const [problem] = errorText(cause).split("\n", 1);
    throw new OutriggerError(`resiliency: ${path}: ${problem}`, {
      code: "OTR_OPTIONS_INVALID",
      cause,
    });
  }
}
