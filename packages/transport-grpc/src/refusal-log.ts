import type { Logger } from "@outrigger/core";

/** A peer that goes on failing in one way is told of once in this time. */
const intervalMs = 60_000;
/** Peers that are remembered; the one told of longest ago makes room. */
const maxRemembered = 1_024;

interface Told {
  readonly atMs: number;
  repeats: number;
}

/**
 * Writes about connections that came to nothing: once per peer and reason in a minute, with the
 * number of repeats since. Retries, port scanners and a wrong root would fill the log otherwise.
 */
export class RefusalLog {
  readonly #log: Logger;
  readonly #now: () => number;
  readonly #told: Map<string, Told> = new Map();

  constructor(log: Logger, now: () => number) {
    this.#log = log;
    this.#now = now;
  }

  /**
   * @param peer what tells peers apart; a port that changes with each connection is no part of it.
   * @param line the text, with the reason at its end.
   */
  tell(peer: string, line: string, reason: string): void {
    const key = `${peer}\n${reason}`;
    const nowMs = this.#now();
    const before = this.#told.get(key);
    // A wall clock that was set back must not silence a failure for hours.
    if (before !== undefined && Math.abs(nowMs - before.atMs) < intervalMs) {
      before.repeats += 1;
      return;
    }
    this.#told.delete(key);
    for (const oldest of this.#told.keys()) {
      if (this.#told.size < maxRemembered) break;
      this.#told.delete(oldest);
    }
    this.#told.set(key, { atMs: nowMs, repeats: 0 });
    const repeats = before?.repeats ?? 0;
    const more = repeats === 0 ? "" : ` (and ${repeats} times more since this was last told)`;
    this.#log.log("warn", `${line}: ${reason}${more}`);
  }
}
