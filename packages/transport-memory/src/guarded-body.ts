import { type Body, isBuffered } from "@outrigger/core";

/**
 * A body that fails as soon as the signal aborts, as it would on a network, and tells its producer.
 * @param onEnd called once, when nothing more will be read.
 */
export function guardedBody(
  body: Body,
  signal: AbortSignal,
  onEnd: () => void = () => undefined,
): Body {
  if (isBuffered(body)) {
    onEnd();
    return body;
  }
  const source = body[Symbol.asyncIterator]();
  let ended = false;
  const stop = (): void => {
    finish();
    source.return?.(undefined)?.then(undefined, () => undefined);
  };
  function finish(): void {
    if (ended) return;
    ended = true;
    signal.removeEventListener("abort", stop);
    onEnd();
  }
  // Nobody may be reading at that moment, and the producer must be told all the same.
  signal.addEventListener("abort", stop, { once: true });
  const next = async (): Promise<IteratorResult<Uint8Array>> => {
    try {
      const result = await orAborted(source.next(), signal);
      if (result.done === true) finish();
      return result;
    } catch (reason) {
      stop();
      throw reason;
    }
  };
  const end = async (): Promise<IteratorResult<Uint8Array>> => {
    stop();
    return { done: true, value: undefined };
  };
  return { [Symbol.asyncIterator]: () => ({ next, return: end }) };
}

function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    const settled = (): void => signal.removeEventListener("abort", onAbort);
    promise.then(resolve, reject).finally(settled);
  });
}
