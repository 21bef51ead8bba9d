import { OutriggerError } from "@outrigger/core";

/** How long some work may go on. */
export interface TimeLimit {
  /** Aborts at the end of the time, or with the outer signal. */
  readonly signal: AbortSignal;
  /** Counts again from now. */
  extend(limitMs: number): void;
}

/** Does work within a time; the timer and the listener are gone afterwards. */
export async function withTimeLimit<T>(
  limitMs: number,
  outer: readonly AbortSignal[],
  work: (limit: TimeLimit) => Promise<T>,
): Promise<T> {
  for (const signal of outer) signal.throwIfAborted();
  const own = new AbortController();
  const forward = ({ target }: Event): void => {
    own.abort(target instanceof AbortSignal ? target.reason : undefined);
  };
  const start = (ms: number): NodeJS.Timeout => setTimeout(() => own.abort(tooLate(ms)), ms);
  let timer = start(limitMs);
  const extend = (ms: number): void => {
    clearTimeout(timer);
    timer = start(ms);
  };
  for (const signal of outer) signal.addEventListener("abort", forward, { once: true });
  try {
    return await work({ signal: own.signal, extend });
  } catch (reason) {
    // The request only says that it was aborted.
    throw own.signal.aborted ? own.signal.reason : reason;
  } finally {
    clearTimeout(timer);
    for (const signal of outer) signal.removeEventListener("abort", forward);
    // Whatever the work left open, such as the answer of a watch, ends with it.
    own.abort();
  }
}

function tooLate(limitMs: number): OutriggerError {
  return new OutriggerError(`the API server did not answer within ${limitMs} ms`, {
    code: "OTR_RESOLVE_FAILED",
  });
}
