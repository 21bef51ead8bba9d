import { type FSWatcher, watch } from "node:fs";
import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { errorText, parseOptions } from "@outrigger/core";
import * as v from "valibot";
import { type WatchPoints, watchPoints } from "./watch-points.ts";

/** Options of `watchPaths`. */
export interface WatchPathsOptions {
  /** Directories whose entries count; not recursive. */
  readonly directories: readonly string[];
  /** Single files. */
  readonly files: readonly string[];
  /**
   * Called once after the start and then when something may have changed and nothing has moved for
   * a moment. Calls never overlap. What it throws goes to `onFault`.
   */
  readonly onChange: () => Promise<void> | void;
  /** Gets what keeps the watch from working in full. Default: nobody is told. */
  readonly onFault?: ((problem: string) => void) | undefined;
  /** How long nothing may move before a change is reported, in ms. Default 50. */
  readonly settleMs?: number | undefined;
  /** After how long a change is reported though more keep coming, in ms. Default 1000. */
  readonly settleLimitMs?: number | undefined;
  /** How often to report without any event, in ms: some file systems tell nothing. Default 60000. */
  readonly reconcileMs?: number | undefined;
  /** The same while a directory cannot be watched, in ms. Default 1000. */
  readonly pollMs?: number | undefined;
}

/** A watch that runs. */
export interface PathWatch {
  /** Ends it. A call of `onChange` that runs may still finish. Idempotent. */
  close(): void;
}

/** Node fires timers of more than 2^31 - 1 ms at once. */
const maxTimerMs = 2_147_483_647;

// Each directory costs a handle of the system.
const directoryLimit = 256;

const duration = v.pipe(
  v.number("must be a number"),
  v.minValue(1, "must be at least 1"),
  v.maxValue(maxTimerMs, `must be at most ${maxTimerMs}`),
);
const optionsSchema = v.strictObject({
  directories: v.array(v.string("must be a string"), "must be a list"),
  files: v.array(v.string("must be a string"), "must be a list"),
  onChange: v.function("must be a function"),
  onFault: v.optional(v.function("must be a function")),
  settleMs: v.optional(duration, 50),
  settleLimitMs: v.optional(duration, 1_000),
  reconcileMs: v.optional(duration, 60_000),
  pollMs: v.optional(duration, 1_000),
});

/**
 * Watches directories and files for as long as the process lives or until it is closed. Files that
 * are replaced, links that are swapped and directories that come later are seen.
 * @throws OutriggerError `OTR_OPTIONS_INVALID` for wrong options; nothing else is thrown.
 */
export function watchPaths(options: WatchPathsOptions): PathWatch {
  return new RunningWatch(options, parseOptions("watchPaths", optionsSchema, options));
}

type Timing = Required<Record<"settleMs" | "settleLimitMs" | "reconcileMs" | "pollMs", number>>;

interface Watched {
  /** Tells a directory from another one that took its place. */
  readonly identity: string;
  readonly watcher: FSWatcher;
}

class RunningWatch implements PathWatch {
  readonly #options: WatchPathsOptions;
  readonly #timing: Timing;
  readonly #watched = new Map<string, Watched>();
  readonly #reconcile: NodeJS.Timeout;
  #points: WatchPoints = new Map();
  #settle: NodeJS.Timeout | undefined;
  #poll: NodeJS.Timeout | undefined;
  #touchedAt: number | undefined;
  #checking = false;
  #faults = "";
  #closed = false;

  constructor(options: WatchPathsOptions, timing: Timing) {
    this.#options = options;
    this.#timing = timing;
    this.#reconcile = setInterval(() => this.#touch(), timing.reconcileMs).unref();
    this.#touchedAt = performance.now();
    void this.#check();
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#reconcile);
    clearTimeout(this.#settle);
    clearTimeout(this.#poll);
    for (const { watcher } of this.#watched.values()) watcher.close();
    this.#watched.clear();
  }

  #touch(): void {
    if (this.#closed) return;
    const now = performance.now();
    this.#touchedAt ??= now;
    // The check that runs may have read already what has changed now, so another one follows it.
    if (this.#checking) return;
    const limit = this.#touchedAt + this.#timing.settleLimitMs - now;
    clearTimeout(this.#settle);
    const delayMs = Math.max(0, Math.min(this.#timing.settleMs, limit));
    this.#settle = setTimeout(() => void this.#check(), delayMs).unref();
  }

  async #check(): Promise<void> {
    this.#checking = true;
    this.#touchedAt = undefined;
    try {
      // First, so that what changes while the files are read is seen.
      await this.#arm();
      if (!this.#closed) await this.#options.onChange();
    } catch (reason) {
      this.#fault(errorText(reason));
    }
    this.#checking = false;
    if (this.#touchedAt !== undefined) this.#touch();
  }

  async #arm(): Promise<void> {
    const { directories, files } = this.#options;
    this.#points = await watchPoints(directories, files);
    const faults: string[] = [];
    const wanted = [...this.#points.keys()].slice(0, directoryLimit);
    if (wanted.length < this.#points.size) faults.push(`more than ${directoryLimit} directories`);
    for (const [directory, { watcher }] of this.#watched) {
      if (wanted.includes(directory)) continue;
      watcher.close();
      this.#watched.delete(directory);
    }
    for (const directory of wanted) {
      const fault = await this.#watch(directory).catch(errorText);
      if (fault !== undefined) faults.push(fault);
    }
    clearTimeout(this.#poll);
    this.#poll = undefined;
    if (faults.length === 0) this.#faults = "";
    else this.#pollInstead(faults.join("; "));
  }

  async #watch(directory: string): Promise<undefined> {
    const { dev, ino } = await stat(directory);
    const identity = `${dev}:${ino}`;
    const existing = this.#watched.get(directory);
    if (existing?.identity === identity || this.#closed) return;
    existing?.watcher.close();
    this.#watched.delete(directory);
    const watcher = watch(directory, { persistent: false }, (_event, name) => {
      const names = this.#points.get(directory);
      // A directory that is moved or deleted tells so by its own name.
      const own = name === null || name === basename(directory);
      if (own || names === undefined || names.has(name)) this.#touch();
    });
    watcher.on("error", () => {
      watcher.close();
      if (this.#watched.get(directory)?.watcher === watcher) this.#watched.delete(directory);
      this.#touch();
    });
    this.#watched.set(directory, { identity, watcher });
  }

  #pollInstead(problem: string): void {
    if (this.#closed) return;
    this.#poll = setTimeout(() => this.#touch(), this.#timing.pollMs).unref();
    this.#fault(problem);
  }

  /** Each problem is told once, however often it is met in a row. */
  #fault(problem: string): void {
    if (problem === this.#faults) return;
    this.#faults = problem;
    this.#options.onFault?.(problem);
  }
}
