import type { BuiltInRetry } from "@outrigger/core";
import type { PolicyTools } from "./call-policy.ts";
import { type RetrySettings, startPauses } from "./retry-policy.ts";

/** The retries that calls to other sidecars have without any configuration. */
const serviceRetries = "DaprBuiltInServiceRetries";

/** Built-in retries that nobody can replace. */
const protectedRetries = "DaprBuiltInActorNotFoundRetries";

const minRetries = 3;

const constant: RetrySettings = {
  policy: "constant",
  durationMs: 1_000,
  maxIntervalMs: 60_000,
  maxRetries: 3,
  codes: { http: undefined, grpc: undefined },
};
const exponential: RetrySettings = { ...constant, policy: "exponential" };

/** Policies that are always there, for every target that names one (Dapr `pkg/resiliency/resiliency.go`). */
const builtIns: Readonly<Record<string, RetrySettings>> = {
  [serviceRetries]: constant,
  DaprBuiltInActorRetries: constant,
  DaprBuiltInActorReminderRetries: { ...exponential, maxRetries: 0 },
  DaprBuiltInInitializationRetries: { ...exponential, maxIntervalMs: 1_000 },
  [protectedRetries]: { ...constant, maxRetries: 5 },
};

/** Retries by name, the built-in ones among them. */
export interface NamedRetries {
  readonly retries: ReadonlyMap<string, RetrySettings>;
  /** What replaces the runtime's own retries, if anything does. */
  readonly service: RetrySettings | undefined;
  /** Lines for the log. */
  readonly warnings: readonly string[];
}

/** Applies the rules for names that Dapr has taken: they can be replaced, but not by fewer retries. */
export function withBuiltIns(configured: ReadonlyMap<string, RetrySettings>): NamedRetries {
  const retries = new Map([...Object.entries(builtIns), ...configured]);
  const warnings: string[] = [];
  for (const [name, builtIn] of Object.entries(builtIns)) {
    const retry = configured.get(name);
    if (retry === undefined) continue;
    if (name === protectedRetries) {
      retries.set(name, builtIn);
      warnings.push(
        `Attempted to override protected policy ${name} which is not allowed. ` +
          "Ignoring provided policy and using default.",
      );
    } else if (retry.maxRetries < minRetries) {
      retries.set(name, { ...retry, maxRetries: minRetries });
      warnings.push(
        `Attempted override of ${name} did not meet minimum retry count, resetting to ${minRetries}.`,
      );
    }
  }
  const service = configured.has(serviceRetries) ? retries.get(serviceRetries) : undefined;
  return { retries, service, warnings };
}

/** The runtime's own retries, when a policy replaces them. */
export function builtInRetry(
  retry: RetrySettings | undefined,
  { clock, random }: Pick<PolicyTools, "clock" | "random">,
): BuiltInRetry | undefined {
  if (retry === undefined) return undefined;
  return {
    retries: retry.maxRetries,
    delayMs: Math.max(0, retry.durationMs),
    ...(retry.policy === "exponential" ? { pauses: () => startPauses(retry, clock, random) } : {}),
  };
}
