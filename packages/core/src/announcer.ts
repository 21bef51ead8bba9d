import { errorText } from "./errors.ts";
import { pause, within } from "./invocation/abortable.ts";
import type { Logger } from "./logger.ts";
import type { Instance, Resolver } from "./resolver.ts";

const firstRetryMs = 1_000;
const lastRetryMs = 30_000;
const withdrawTimeoutMs = 2_000;

/**
 * Starts a resolver and announces the instance. A registry that is away delays readiness, it does
 * not end the process: the attempt is repeated with back-off until it succeeds.
 */
export class Announcer {
  readonly #resolver: Resolver;
  readonly #instance: Instance;
  readonly #log: Logger;
  readonly #cancel = new AbortController();
  #background: Promise<void> | undefined;
  #announced = false;

  constructor(resolver: Resolver, instance: Instance, log: Logger) {
    this.#resolver = resolver;
    this.#instance = instance;
    this.#log = log;
  }

  get announced(): boolean {
    return this.#announced;
  }

  /** Tries once and returns; a failure is logged and repeated in the background. */
  async start(signal: AbortSignal): Promise<void> {
    try {
      await this.#attempt(signal);
    } catch (reason) {
      signal.throwIfAborted();
      this.#logFailure(reason);
      this.#background = this.#repeat(this.#cancel.signal);
    }
  }

  /** Ends the attempts and takes the announcement back. Bounded; never rejects. */
  async withdraw(): Promise<void> {
    this.#cancel.abort();
    if (this.#background !== undefined) await within(this.#background, withdrawTimeoutMs);
    if (!this.#announced) return;
    this.#announced = false;
    try {
      const done = await within(
        this.#resolver.withdraw?.() ?? Promise.resolve(),
        withdrawTimeoutMs,
      );
      if (!done) this.#log.log("warn", `${this.#resolver.name} did not withdraw in time`);
    } catch (reason) {
      this.#log.log("warn", `${this.#resolver.name} failed to withdraw: ${errorText(reason)}`);
    }
  }

  async #attempt(signal: AbortSignal): Promise<void> {
    await this.#resolver.start?.(signal);
    await this.#resolver.announce?.(this.#instance, signal);
    this.#announced = true;
  }

  async #repeat(signal: AbortSignal): Promise<void> {
    let delayMs = firstRetryMs;
    while (!signal.aborted) {
      try {
        await pause(delayMs, signal);
        await this.#attempt(signal);
        return;
      } catch (reason) {
        if (signal.aborted) return;
        this.#logFailure(reason);
        delayMs = Math.min(delayMs * 2, lastRetryMs);
      }
    }
  }

  #logFailure(reason: unknown): void {
    this.#log.log(
      "error",
      `[INIT_COMPONENT_FAILURE]: initialization error occurred for nr (${this.#resolver.name}): ${errorText(reason)}`,
    );
  }
}
