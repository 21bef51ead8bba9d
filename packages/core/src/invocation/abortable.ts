import { OutriggerError } from "../errors.ts";

/** Waits, unless the signal aborts first. @throws OutriggerError `OTR_ABORTED`. */
export function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(abortError(signal));
      return;
    }
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(abortError(signal));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    }, delayMs);
    signal.addEventListener("abort", onAbort, { once: true });
  });
}

/** The error for a caller that has gone away. */
export function abortError(signal: AbortSignal): OutriggerError {
  return new OutriggerError("the call was cancelled by its caller", {
    code: "OTR_ABORTED",
    cause: signal.reason,
    rpc: { code: 1, message: "context canceled" },
  });
}

/** Node fires timers of more than 2^31 - 1 ms at once. */
const maxTimerMs = 2_147_483_647;

/** Resolves to true when the work ended in time, to false when it did not. Never rejects early. */
export async function within(work: Promise<unknown>, timeoutMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, Math.min(timeoutMs, maxTimerMs), false);
  });
  try {
    return await Promise.race([work.then(() => true), timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * The promise's outcome, or the signal's reason as soon as it aborts; the work itself goes on.
 * Leaves no listener behind.
 */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      // The outcome is nobody's any more; a failure must not end the process.
      work.catch(() => undefined);
      reject(signal.reason);
      return;
    }
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    const settled = (): void => signal.removeEventListener("abort", onAbort);
    work.then(resolve, reject).finally(settled);
  });
}
