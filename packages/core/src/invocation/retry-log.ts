import { formatGoDuration } from "../go-duration.ts";
import type { Logger } from "../logger.ts";

const name = "DaprBuiltInServiceRetries";

/**
 * What the log says about the built-in retries of one call, in Dapr's words: the first failure, and
 * the end of the trouble. A pause of no length goes before an attempt at another endpoint.
 */
export class RetryLog {
  readonly #log: Logger;
  #attempts = 1;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Before the pause. */
  retrying(pauseMs: number): void {
    this.#attempts += 1;
    if (this.#attempts > 2) return;
    const pause = formatGoDuration(pauseMs);
    this.#log.log("warn", `Error processing operation ${name}. Retrying in ${pause}\u2026`);
  }

  recovered(): void {
    const attempts = `${this.#attempts} attempts`;
    this.#log.log("info", `Recovered processing operation ${name} after ${attempts}`);
  }
}
