import type { BuiltInRetry, Logger } from "@outrigger/core";
import type { PolicyTools } from "./call-policy.ts";
import { type RetrySettings, startPauses } from "./retry-policy.ts";

/** The retries that calls to other sidecars have without any configuration. */
const serviceRetries = "DaprBuiltInServiceRetries";

/** Built-in retries that can be replaced, but not by fewer. */
const replaceable = [
  serviceRetries,
  "DaprBuiltInActorRetries",
  "DaprBuiltInActorReminderRetries",
  "DaprBuiltInInitializationRetries",
];

/** Built-in retries that nobody can replace. */
const protectedRetries = "DaprBuiltInActorNotFoundRetries";

const minRetries = 3;

/** Applies the rules for names that Dapr has taken, and says so in the log. */
export function settleBuiltIns(
  retries: ReadonlyMap<string, RetrySettings>,
  log: Logger,
): ReadonlyMap<string, RetrySettings> {
  const settled = new Map(retries);
  if (settled.delete(protectedRetries)) {
    log.log(
      "warn",
      `Attempted to override protected policy ${protectedRetries} which is not allowed. ` +
        "Ignoring provided policy and using default.",
    );
  }
  for (const name of replaceable) {
    const retry = settled.get(name);
    if (retry === undefined || retry.maxRetries >= minRetries) continue;
    settled.set(name, { ...retry, maxRetries: minRetries });
    log.log(
      "warn",
      `Attempted override of ${name} did not meet minimum retry count, resetting to ${minRetries}.`,
    );
  }
  return settled;
}

/** The runtime's own retries, when a policy replaces them. */
export function builtInRetry(
  retries: ReadonlyMap<string, RetrySettings>,
  { clock, random }: Pick<PolicyTools, "clock" | "random">,
): BuiltInRetry | undefined {
  const retry = retries.get(serviceRetries);
  if (retry === undefined) return undefined;
  return {
    retries: retry.maxRetries,
    delayMs: Math.max(0, retry.durationMs),
    ...(retry.policy === "exponential" ? { pauses: () => startPauses(retry, clock, random) } : {}),
  };
}
