import { OutriggerError } from "@outrigger/core";

const firstPauseMs = 100;
const longestPauseMs = 500;

/**
 * Repeats an attempt to listen: the port may still be held by the process that was here before.
 * @throws the last failure once `timeoutMs` are over, or the reason of the signal.
 */
export async function bindWithRetry<T>(
  attempt: () => Promise<T>,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<T> {
  const giveUpAt = performance.now() + timeoutMs;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(longestPauseMs, pauseMs * 1.5)) {
    signal.throwIfAborted();
    try {
      return await attempt();
    } catch (reason) {
      const remaining = giveUpAt - performance.now();
      if (remaining <= 0) throw reason;
      await pause(Math.min(pauseMs, remaining), signal);
    }
  }
}

function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      clearTimeout(timer);
      const options = { code: "OTR_ABORTED", cause: signal.reason } as const;
      reject(new OutriggerError("gave up listening", options));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    }, delayMs);
    signal.addEventListener("abort", onAbort, { once: true });
  });
}
