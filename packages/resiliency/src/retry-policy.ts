import type { Clock } from "./clock.ts";
import { type CodeLists, mayRetry } from "./status-codes.ts";

/** How failed attempts are repeated. */
export interface RetrySettings {
  readonly policy: "constant" | "exponential";
  readonly durationMs: number;
  readonly maxIntervalMs: number;
  /** Negative: no limit. */
  readonly maxRetries: number;
  readonly codes: CodeLists;
}

/** The pauses of one call: each step is the next one, -1 says that there is none. */
export type Pauses = () => number;

const firstIntervalMs = 500;
const multiplier = 1.5;
const maxElapsedMs = 15 * 60_000;

/**
 * Begins the pauses of a call. Exponential ones are spread by half around their interval, and end
 * when the call would have taken 15 minutes (Dapr: `cenkalti/backoff`).
 */
export function startPauses(retry: RetrySettings, clock: Clock, random: () => number): Pauses {
  const { durationMs, maxIntervalMs, maxRetries } = retry;
  let used = 0;
  const isUsedUp = (): boolean => maxRetries >= 0 && used++ >= maxRetries;
  if (retry.policy === "constant") return () => (isUsedUp() ? -1 : Math.max(0, durationMs));
  const startedAt = clock.now();
  let intervalMs = firstIntervalMs;
  return () => {
    if (isUsedUp()) return -1;
    const pauseMs = intervalMs * (0.5 + random());
    intervalMs = intervalMs >= maxIntervalMs / multiplier ? maxIntervalMs : intervalMs * multiplier;
    return clock.now() - startedAt + pauseMs > maxElapsedMs ? -1 : pauseMs;
  };
}

/** Failures without a code may always be repeated. */
export function isRepeatable(retry: RetrySettings, code: number | undefined): boolean {
  return code === undefined || mayRetry(code, retry.codes);
}
