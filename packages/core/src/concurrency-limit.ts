import { abortError } from "./invocation/abortable.ts";

/** Lets at most so many calls through; the others wait in order, as long as their callers do. */
export class ConcurrencyLimit {
  readonly #max: number;
  readonly #waiting = new Set<() => void>();
  #running = 0;

  /** @param max 0 = unlimited. */
  constructor(max: number) {
    this.#max = max;
  }

  /** Calls that wait for a slot. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Resolves with the function that gives the slot back; calling it again does nothing. */
  async acquire(signal: AbortSignal): Promise<() => void> {
    if (this.#max === 0) return () => undefined;
    if (this.#running >= this.#max) await this.#wait(signal);
    else this.#running += 1;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#release();
    };
  }

  #wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#waiting.delete(wake);
        reject(abortError(signal));
      };
      const wake = (): void => {
        signal.removeEventListener("abort", onAbort);
        resolve();
      };
      if (signal.aborted) {
        onAbort();
        return;
      }
      this.#waiting.add(wake);
      signal.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** The slot goes to the one that waits longest, if anybody does. */
  #release(): void {
    for (const wake of this.#waiting) {
      this.#waiting.delete(wake);
      wake();
      return;
    }
    this.#running -= 1;
  }
}
