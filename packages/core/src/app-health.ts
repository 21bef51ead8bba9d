import type { AppChannel } from "./app-channel.ts";
import { pause } from "./invocation/abortable.ts";
import { unhealthyError } from "./invocation/failures.ts";
import type { Logger } from "./logger.ts";

/** How the app is probed. */
export interface AppHealthSettings {
  /** Path of the probe; only HTTP apps have one. */
  readonly path: string;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Failures after which the app counts as unhealthy. */
  readonly threshold: number;
}

/** Knows whether the app may be called. Without settings it always may. */
export class AppHealth {
  readonly #settings: AppHealthSettings | undefined;
  readonly #log: Logger;
  readonly #onUnhealthy = new Set<() => void>();
  #healthy: boolean;
  #failures = 0;

  constructor(settings: AppHealthSettings | undefined, log: Logger) {
    this.#settings = settings;
    this.#log = log;
    // Probed apps are unhealthy until the first success.
    this.#healthy = settings === undefined;
  }

  get healthy(): boolean {
    return this.#healthy;
  }

  /** @throws OutriggerError `OTR_APP_UNHEALTHY`. */
  assertHealthy(): void {
    if (!this.#healthy) throw unhealthyError();
  }

  /** Calls back on each change to unhealthy. Returns the unsubscribe function. */
  onUnhealthy(listener: () => void): () => void {
    this.#onUnhealthy.add(listener);
    return () => this.#onUnhealthy.delete(listener);
  }

  /**
   * Probes until the signal aborts; resolves at once when there is nothing to probe.
   * @param onHealthy called after the first success.
   * @param onProbed called after the first probe, whatever it told.
   */
  async watch(
    channel: AppChannel,
    onHealthy: () => void,
    signal: AbortSignal,
    onProbed: () => void = () => undefined,
  ): Promise<void> {
    const settings = this.#settings;
    if (settings === undefined || channel.probe === undefined) {
      this.#healthy = true;
      onHealthy();
      onProbed();
      return;
    }
    let greeted = false;
    while (!signal.aborted) {
      const startedAt = performance.now();
      const healthy = await probeOnce(channel.probe(settings.path, settings.timeoutMs, signal));
      if (signal.aborted) return;
      this.#record(healthy, settings.threshold);
      if (this.#healthy && !greeted) {
        greeted = true;
        onHealthy();
      }
      onProbed();
      const elapsed = performance.now() - startedAt;
      await pause(Math.max(1, settings.intervalMs - elapsed), signal);
    }
  }

  #record(success: boolean, threshold: number): void {
    if (success) {
      this.#failures = 0;
      if (this.#healthy) return;
      this.#healthy = true;
      this.#log.log("info", "App entered healthy status");
      return;
    }
    this.#failures += 1;
    if (!this.#healthy || this.#failures < threshold) return;
    this.#healthy = false;
    this.#log.log(
      "warn",
      `App entered un-healthy status: App health check failed ${this.#failures} times`,
    );
    for (const listener of this.#onUnhealthy) listener();
  }
}

/** A probe that breaks tells as much as one that fails; probing goes on. */
async function probeOnce(probe: Promise<boolean>): Promise<boolean> {
  try {
    return await probe;
  } catch {
    return false;
  }
}
