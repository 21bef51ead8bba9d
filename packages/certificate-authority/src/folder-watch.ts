import { type FSWatcher, watch } from "node:fs";
import { errorText, type Logger } from "@outrigger/core";

/** Several files are written one after the other; the first event waits for the others. */
const defaultBatchMs = 2_000;

/** Some file systems tell about nothing, and a folder that is replaced is not watched any more. */
const pollMs = 60_000;

/** What a watch needs. */
export interface FolderWatchOptions {
  readonly folders: readonly string[];
  readonly log: Logger;
  /** Called once per batch of events, never twice at a time. */
  readonly onChange: () => Promise<void>;
  /** How long events are collected, in milliseconds. Default 2000, as in Dapr. */
  readonly batchMs?: number;
}

/** Tells about changes in folders, in batches, and now and then without any. */
export class FolderWatch {
  readonly #options: FolderWatchOptions;
  #watchers: FSWatcher[] = [];
  #timer: NodeJS.Timeout | undefined;
  #poll: NodeJS.Timeout | undefined;
  #running = false;
  #again = false;
  #stopped = false;

  constructor(options: FolderWatchOptions) {
    this.#options = options;
  }

  /** @throws Error when a folder does not exist. */
  start(): void {
    for (const folder of this.#options.folders) {
      const watcher = watch(folder, () => this.#touch());
      watcher.on("error", (reason) => {
        this.#options.log.log("error", `${folder} is not watched any more: ${errorText(reason)}`);
      });
      this.#watchers.push(watcher);
    }
    this.#poll = setInterval(() => this.#touch(), pollMs);
    this.#poll.unref();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    clearInterval(this.#poll);
    for (const watcher of this.#watchers) watcher.close();
    this.#watchers = [];
  }

  #touch(): void {
    if (this.#stopped || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#run();
    }, this.#options.batchMs ?? defaultBatchMs);
  }

  async #run(): Promise<void> {
    if (this.#running) {
      this.#again = true;
      return;
    }
    this.#running = true;
    try {
      await this.#options.onChange();
    } catch (reason) {
      this.#options.log.log("error", `A change of files was not taken: ${errorText(reason)}`);
    } finally {
      this.#running = false;
    }
    if (!this.#again) return;
    this.#again = false;
    this.#touch();
  }
}
