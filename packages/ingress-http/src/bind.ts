import type { ListenOptions } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { type Acceptance, Listener } from "./engine/listener.ts";

const firstDelayMs = 100;
const longestDelayMs = 500;

/** Binds, and tries again for a while: a predecessor may still hold the port. @throws the last error. */
export async function bindWithRetry(
  options: ListenOptions,
  acceptance: Acceptance,
  retryMs: number,
  signal: AbortSignal,
): Promise<Listener> {
  const giveUpAt = performance.now() + retryMs;
  for (let delayMs = firstDelayMs; ; delayMs = Math.min(delayMs * 2, longestDelayMs)) {
    signal.throwIfAborted();
    try {
      return await Listener.bind(options, acceptance);
    } catch (reason) {
      if (performance.now() + delayMs >= giveUpAt) throw reason;
    }
    await wait(delayMs, undefined, { signal });
  }
}
