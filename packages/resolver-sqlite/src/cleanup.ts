import { errorText, type Logger } from "@outrigger/core";
import type { Database } from "./database.ts";
import type { HostRow, HostsTable } from "./hosts-table.ts";
import type { Liveness } from "./liveness.ts";
import type { SqliteSettings } from "./options.ts";

/** Rows removed in one go; the rest waits for the next one. */
const batch = 256;

/**
 * Removes what crashed sidecars left. Dapr's sidecars exit when their row is gone, so no clock is
 * trusted: a row goes when it looked dead, and was still not renewed one life later.
 */
export class Cleanup {
  readonly #database: Database;
  readonly #liveness: Liveness;
  readonly #settings: SqliteSettings;
  readonly #log: Logger;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(database: Database, liveness: Liveness, settings: SqliteSettings, log: Logger) {
    this.#database = database;
    this.#liveness = liveness;
    this.#settings = settings;
    this.#log = log;
  }

  start(): void {
    const { cleanupIntervalMs } = this.#settings;
    if (cleanupIntervalMs === 0) return;
    this.#after(cleanupIntervalMs, () => this.#look());
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  async #look(): Promise<void> {
    const { cleanupIntervalMs, updateIntervalMs } = this.#settings;
    const suspects = await this.#try((table) => {
      // Timers of several sidecars are never quite in step: a little early is not too early.
      if (!table.claimCleanup(Math.floor((cleanupIntervalMs * 0.9) / 1_000))) return [];
      return table.notAfter(this.#liveness.oldestSeconds(), batch);
    });
    if (suspects === undefined || suspects.length === 0) {
      this.#after(cleanupIntervalMs, () => this.#look());
    } else {
      this.#after(updateIntervalMs, () => this.#remove(suspects));
    }
  }

  async #remove(suspects: readonly HostRow[]): Promise<void> {
    const removed = await this.#try((table) => table.removeUnrenewed(suspects));
    this.#log.log("debug", `resolver-sqlite: removed ${removed ?? 0} dead registrations`);
    this.start();
  }

  async #try<T>(work: (table: HostsTable) => T): Promise<T | undefined> {
    try {
      return await this.#database.use("cleanup", work);
    } catch (reason) {
      if (!this.#closed) this.#log.log("warn", `resolver-sqlite: ${errorText(reason)}`);
      return undefined;
    }
  }

  #after(delayMs: number, work: () => Promise<void>): void {
    if (this.#closed) return;
    this.#timer = setTimeout(() => void work(), delayMs);
    this.#timer.unref();
  }
}
