import type { Component } from "./component.ts";
import { errorText } from "./errors.ts";
import { within } from "./invocation/abortable.ts";
import type { Logger } from "./logger.ts";

/** No component may hold up the stop of the others for longer than this. */
const stopTimeoutMs = 5_000;

/**
 * Starts components in order. When one fails, those that had started are stopped in reverse and
 * the failure is thrown.
 */
export async function startAll(
  components: readonly Component[],
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  const started: Component[] = [];
  try {
    for (const component of components) {
      signal.throwIfAborted();
      // Before start: a half-started component still needs stop.
      started.push(component);
      await component.start?.(signal);
    }
  } catch (reason) {
    await stopAll(started, log);
    throw reason;
  }
}

/** Stops components in reverse. Logs each failure and carries on, so one stuck socket frees the rest. */
export async function stopAll(components: readonly Component[], log: Logger): Promise<void> {
  for (const component of [...components].reverse()) {
    if (component.stop === undefined) continue;
    try {
      const ended = await within(component.stop(), stopTimeoutMs);
      if (!ended) log.log("warn", `${component.name} did not stop within ${stopTimeoutMs} ms`);
    } catch (reason) {
      log.log("warn", `${component.name} failed to stop: ${errorText(reason)}`);
    }
  }
}
