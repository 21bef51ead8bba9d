/** Clocks that were left this often within one life are remembered; a clock that does that is broken. */
const maxFormerClocks = 8;
/** Less is drift and rounding, which NTP slews away. */
const jumpMs = 1_000;

interface FormerClock {
  /** Milliseconds to add to the steady clock. */
  readonly offsetMs: number;
  readonly untilMs: number;
}

/**
 * Tells live registrations from dead ones. The file holds wall-clock times, and a wall clock jumps:
 * it is set, and it goes on while the machine sleeps. Everybody renews within one life, so for that
 * long after a jump a time is also good when the clock from before the jump says so.
 */
export class Liveness {
  readonly #wallMs: () => number;
  readonly #steadyMs: () => number;
  readonly #lifeMs: number;
  #offsetMs: number;
  #former: FormerClock[] = [];

  /** @param lifeMs how long a registration lives after its last renewal */
  constructor(wallMs: () => number, steadyMs: () => number, lifeMs: number) {
    this.#wallMs = wallMs;
    this.#steadyMs = steadyMs;
    this.#lifeMs = lifeMs;
    this.#offsetMs = wallMs() - steadyMs();
  }

  /** The time to write into the file, in seconds. */
  nowSeconds(): number {
    return Math.floor(this.#wallMs() / 1_000);
  }

  /** Registrations that were renewed at or before this time, in seconds, are dead for certain. */
  oldestSeconds(): number {
    const oldest = this.#clocks().reduce((least, clock) => Math.min(least, clock));
    return Math.floor((oldest - this.#lifeMs) / 1_000);
  }

  /** Time of last renewal in seconds to alive or not; a filter for the rows of one answer. */
  test(): (lastUpdateSeconds: number) => boolean {
    const clocks = this.#clocks();
    // A time in the far future was written by a clock that nobody has any more: it would never end.
    return (seconds) => clocks.some((clock) => Math.abs(clock - seconds * 1_000) < this.#lifeMs);
  }

  /** Every clock, in milliseconds, that somebody may have written a live registration with. */
  #clocks(): readonly number[] {
    const steady = this.#steadyMs();
    const wall = this.#wallMs();
    if (Math.abs(wall - steady - this.#offsetMs) > jumpMs) {
      this.#former.push({ offsetMs: this.#offsetMs, untilMs: steady + this.#lifeMs });
      if (this.#former.length > maxFormerClocks) this.#former.shift();
    }
    this.#offsetMs = wall - steady;
    if (this.#former.length > 0) {
      this.#former = this.#former.filter(({ untilMs }) => untilMs > steady);
    }
    return [wall, ...this.#former.map(({ offsetMs }) => offsetMs + steady)];
  }
}
