import { type AttemptResult, OutriggerError, type PolicedCall } from "@outrigger/core";
import type { Clock } from "./clock.ts";

/** When an attempt is joined by another one. */
export interface HedgeSettings {
  readonly delayMs: number;
  /** Of one call at the same time, the first one included. */
  readonly maxAttempts: number;
}

/** An attempt that takes part, with the means to end it. */
interface Lane {
  readonly controller: AbortController;
}

type Ending<T> =
  | { readonly lane: Lane; readonly result: AttemptResult<T> }
  | { readonly lane: Lane; readonly reason: unknown };

/**
 * An attempt that others join, each `delayMs` after the one before, until one is answered. That one
 * wins and the others are aborted. What says that a server is in trouble gives way while another
 * attempt is under way: a sick instance that fails fast must not beat a well one.
 */
export class HedgedAttempt<T> {
  readonly #call: PolicedCall<T>;
  readonly #settings: HedgeSettings;
  readonly #clock: Clock;
  readonly #admit: () => boolean;
  readonly #running = new Set<Lane>();
  #launched = 0;
  #failed: Ending<T> | undefined;
  #cancelTimer: () => void = () => undefined;
  #end: ((ending: Ending<T>) => void) | undefined;

  /** @param admit asked before each attempt but the first. */
  constructor(call: PolicedCall<T>, settings: HedgeSettings, clock: Clock, admit: () => boolean) {
    this.#call = call;
    this.#settings = settings;
    this.#clock = clock;
    this.#admit = admit;
  }

  /** @throws what the last attempt threw, when none was answered. */
  run(signal: AbortSignal): Promise<AttemptResult<T>> {
    return new Promise((resolve, reject) => {
      let winner: Lane | undefined;
      const onAbort = (): void => {
        this.#cancelTimer();
        for (const lane of this.#running) lane.controller.abort(signal.reason);
        winner?.controller.abort(signal.reason);
      };
      const release = (): void => signal.removeEventListener("abort", onAbort);
      signal.addEventListener("abort", onAbort, { once: true });
      this.#end = (ending) => {
        winner = ending.lane;
        if ("reason" in ending) {
          release();
          reject(ending.reason);
          return;
        }
        // An answer on its way still ends with the caller.
        if (ending.result.ended === undefined) release();
        else void ending.result.ended.then(release);
        resolve(ending.result);
      };
      this.#launch();
      if (signal.aborted) onAbort();
    });
  }

  #launch(): void {
    const lane: Lane = { controller: new AbortController() };
    this.#running.add(lane);
    this.#launched += 1;
    this.#call.attempt(lane.controller.signal).then(
      (result) => this.#ended({ lane, result }),
      (reason) => this.#ended({ lane, reason }),
    );
    const { delayMs, maxAttempts } = this.#settings;
    if (this.#launched >= maxAttempts) return;
    this.#cancelTimer = this.#clock.after(delayMs, () => {
      if (this.#call.hedgeable?.(this.#launched) && this.#admit()) this.#launch();
    });
  }

  #ended(ending: Ending<T>): void {
    this.#running.delete(ending.lane);
    if (this.#end === undefined) this.#drop(ending);
    else if (this.#running.size > 0 && givesWay(ending)) this.#keep(ending);
    else this.#settle(ending);
  }

  /** An answer says more than an error, and the later one of two is as good as any. */
  #keep(ending: Ending<T>): void {
    if (this.#failed !== undefined && "result" in this.#failed && "reason" in ending) return;
    if (this.#failed !== undefined) this.#drop(this.#failed);
    this.#failed = ending;
  }

  #settle(ending: Ending<T>): void {
    const end = this.#end;
    this.#end = undefined;
    this.#cancelTimer();
    if (givesWay(ending)) this.#keep(ending);
    else if (this.#failed !== undefined) this.#drop(this.#failed);
    const chosen = givesWay(ending) ? (this.#failed ?? ending) : ending;
    const lost = new OutriggerError("another attempt was answered first", { code: "OTR_ABORTED" });
    for (const lane of this.#running) lane.controller.abort(lost);
    end?.(chosen);
  }

  #drop(ending: Ending<T>): void {
    if (!("result" in ending)) return;
    this.#call.discard(ending.result.value);
    ending.lane.controller.abort();
  }
}

/** Errors, and the statuses of a server in trouble; other failures are answers to the request. */
function givesWay<T>(ending: Ending<T>): boolean {
  if ("reason" in ending) return true;
  const code = ending.result.failure?.code;
  return code !== undefined && (code === 429 || code >= 500);
}
