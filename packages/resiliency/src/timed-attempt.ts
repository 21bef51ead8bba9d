import { type AttemptResult, OutriggerError, type PolicedCall } from "@outrigger/core";
import type { Clock } from "./clock.ts";

/**
 * One attempt within a time limit, which lasts until the answer has been passed on to its end. When
 * time is up the attempt is aborted and given up, whether it heeds that or not.
 * @throws OutriggerError `OTR_TIMEOUT`, and what the attempt throws.
 */
export function timedAttempt<T>(
  call: PolicedCall<T>,
  timeoutMs: number,
  clock: Clock,
  onExpiry: () => void,
): Promise<AttemptResult<T>> {
  const { signal } = call;
  const controller = new AbortController();
  const onAbort = (): void => controller.abort(signal.reason);
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  return new Promise((resolve, reject) => {
    const cancelTimer = clock.after(timeoutMs, () => {
      const reason = new OutriggerError("context deadline exceeded", { code: "OTR_TIMEOUT" });
      onExpiry();
      reject(reason);
      controller.abort(reason);
    });
    const settled = (): void => {
      cancelTimer();
      signal.removeEventListener("abort", onAbort);
    };
    call.attempt(controller.signal).then(
      (result) => {
        if (controller.signal.aborted && !signal.aborted) call.discard(result.value);
        resolve(result);
        if (result.ended === undefined) settled();
        else void result.ended.then(settled);
      },
      (reason) => {
        settled();
        reject(reason);
      },
    );
  });
}
