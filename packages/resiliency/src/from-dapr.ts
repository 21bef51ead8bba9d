import { errorText } from "@outrigger/core";
import { readBudget, readHedge } from "./from-outrigger.ts";
import { parseGoDuration } from "./go-duration.ts";
import type {
  CircuitBreakerOptions,
  ResiliencyOptions,
  RetryOptions,
  TargetOptions,
} from "./options.ts";
import type { RetryBudgetOptions } from "./retry-budget.ts";
import { parseCodeLists } from "./status-codes.ts";
import { compileTrip } from "./trip.ts";

type Named<T> = Readonly<Record<string, T>>;

/** The fields of a Resiliency resource that count here, as text and numbers. */
export interface DaprResiliency {
  readonly name: string;
  readonly spec: {
    readonly timeouts: Named<string>;
    readonly retries: Named<{
      readonly policy: string;
      readonly duration: string;
      readonly maxInterval: string;
      readonly maxRetries: number | undefined;
      readonly httpStatusCodes: string;
      readonly grpcStatusCodes: string;
    }>;
    readonly circuitBreakers: Named<{
      readonly maxRequests: number | undefined;
      readonly interval: string;
      readonly timeout: string;
      readonly trip: string;
    }>;
    /** Beyond Dapr, which passes over it, as over `retryBudget`. */
    readonly hedges?:
      | Named<{ readonly delay: string; readonly maxAttempts: number | undefined }>
      | undefined;
    readonly retryBudget?: { readonly ratio: string; readonly minPerSecond: string } | undefined;
    readonly apps: Named<{
      readonly timeout: string;
      readonly retry: string;
      readonly circuitBreaker: string;
      readonly hedge?: string | undefined;
      readonly circuitBreakerCacheSize: number | undefined;
    }>;
    readonly actors: Named<{
      readonly circuitBreaker: string;
      readonly circuitBreakerScope: string;
      readonly circuitBreakerCacheSize: number | undefined;
    }>;
  };
}

/** What Resiliency resources come to. */
export interface ResiliencyFromDapr {
  readonly options: ResiliencyOptions;
  /** A line for the log about each resource that is left out. */
  readonly problems: readonly string[];
}

/**
 * Reads Resiliency resources. Of definitions with the same name the last one counts. A resource with
 * an error is left out as a whole.
 */
export function resiliencyFromDapr(resources: readonly DaprResiliency[]): ResiliencyFromDapr {
  const merged = { timeouts: {}, retries: {}, circuitBreakers: {}, hedges: {}, apps: {} };
  let retryBudget: RetryBudgetOptions | undefined;
  const problems: string[] = [];
  for (const { name, spec } of resources) {
    try {
      const { timeouts, retries, circuitBreakers, hedges, apps, ...rest } = readSpec(spec);
      Object.assign(merged.timeouts, timeouts);
      Object.assign(merged.retries, retries);
      Object.assign(merged.circuitBreakers, circuitBreakers);
      Object.assign(merged.hedges, hedges);
      Object.assign(merged.apps, apps);
      retryBudget = rest.retryBudget ?? retryBudget;
    } catch (reason) {
      problems.push(`Could not read resiliency policy ${name}: ${errorText(reason)}`);
    }
  }
  const options = retryBudget === undefined ? merged : { ...merged, retryBudget };
  return { options, problems };
}

function readSpec(spec: DaprResiliency["spec"]): ResiliencyOptions {
  const options = {
    timeouts: convert(spec.timeouts, readTimeout),
    retries: convert(spec.retries, (name, retry) => invalidRetry(name, () => readRetry(retry))),
    // Dapr calls both by the same name.
    circuitBreakers: convert(spec.circuitBreakers, (name, breaker) =>
      invalidRetry(name, () => readBreaker(breaker)),
    ),
    hedges: convert(spec.hedges ?? {}, readHedge),
    apps: convert(spec.apps, readTarget),
    ...(spec.retryBudget === undefined ? {} : { retryBudget: readBudget(spec.retryBudget) }),
  };
  for (const actor of Object.values(spec.actors)) checkActor(actor);
  return options;
}

function convert<From, To>(named: Named<From>, read: (name: string, from: From) => To): Named<To> {
  return Object.fromEntries(Object.entries(named).map(([name, from]) => [name, read(name, from)]));
}

function readTimeout(name: string, text: string): number {
  try {
    return parseGoDuration(text);
  } catch (reason) {
    throw new Error(`invalid duration ${JSON.stringify(name)}, ${text}: ${errorText(reason)}`);
  }
}

function invalidRetry<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (reason) {
    const [problem] = errorText(reason).split("\n", 1);
    throw new Error(`invalid retry configuration ${JSON.stringify(name)}: ${problem}`);
  }
}

function readRetry(retry: DaprResiliency["spec"]["retries"][string]): RetryOptions {
  const policy = retry.policy === "" ? "constant" : retry.policy.toLowerCase();
  if (policy !== "constant" && policy !== "exponential") {
    throw new Error(`unexpected back off policy type: ${retry.policy}`);
  }
  const { httpStatusCodes, grpcStatusCodes, maxRetries } = retry;
  parseCodeLists(httpStatusCodes, grpcStatusCodes);
  return {
    policy,
    durationMs: fieldMs("duration", retry.duration),
    maxIntervalMs: fieldMs("maxInterval", retry.maxInterval),
    maxRetries,
    httpStatusCodes,
    grpcStatusCodes,
  };
}

function readBreaker(
  breaker: DaprResiliency["spec"]["circuitBreakers"][string],
): CircuitBreakerOptions {
  const { maxRequests, trip } = breaker;
  if (maxRequests !== undefined && maxRequests < 0) {
    throw new Error(`cannot parse 'maxRequests', ${maxRequests} overflows uint`);
  }
  compileTrip(trip);
  return {
    maxRequests,
    intervalMs: fieldMs("interval", breaker.interval),
    timeoutMs: fieldMs("timeout", breaker.timeout),
    trip,
  };
}

/** An empty field counts as absent. */
function fieldMs(field: string, text: string): number | undefined {
  if (text === "") return undefined;
  try {
    return parseGoDuration(text);
  } catch (reason) {
    throw new Error(`error decoding '${field}': ${errorText(reason)}`);
  }
}

function readTarget(_name: string, target: DaprResiliency["spec"]["apps"][string]): TargetOptions {
  checkCacheSize(target.circuitBreakerCacheSize);
  return target;
}

/** Actors are not called from here; what is wrong about them counts all the same. */
function checkActor(actor: DaprResiliency["spec"]["actors"][string]): void {
  const { circuitBreaker, circuitBreakerScope: scope, circuitBreakerCacheSize } = actor;
  if (circuitBreaker === "") return;
  if (scope === "") throw new Error("actor circuit breakers must include scope");
  if (!["type", "id", "both"].includes(scope)) {
    throw new Error(`unknown circuit breaker scope ${JSON.stringify(scope)}`);
  }
  checkCacheSize(circuitBreakerCacheSize);
}

function checkCacheSize(size: number | undefined): void {
  if (size !== undefined && size < 0) throw new Error("must provide a positive size");
}
