import { statSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { errorText, OutriggerError } from "@outrigger/core";
import { createSchema, HostsTable } from "./hosts-table.ts";
import type { SqliteSettings } from "./options.ts";

/** Pause between two tries of a statement while others hold the lock. */
const busyPauseMs = 20;
const inMemory = ":memory:";

interface Connection {
  readonly database: DatabaseSync;
  readonly table: HostsTable;
  /** Which file was opened; another one may take its place at the same path. */
  readonly file: string;
}

/** What {@link Database} tells its owner. */
export interface DatabaseListener {
  /** Another file was opened than before: what had been registered is lost. */
  onReplaced(): void;
}

/**
 * The connection to the file. Statements run on the event loop: they touch a few pages, and never
 * wait for a lock. Whoever needs one comes back later. A file that was deleted or replaced is opened
 * anew, as is one after an error.
 */
export class Database {
  readonly #settings: SqliteSettings;
  readonly #listener: DatabaseListener;
  #open: typeof DatabaseSync | undefined;
  #connection: Connection | undefined;
  #lastFile: string | undefined;
  #closed = false;

  constructor(settings: SqliteSettings, listener: DatabaseListener) {
    this.#settings = settings;
    this.#listener = listener;
  }

  /** Loads SQLite. @throws OutriggerError `OTR_OPTIONS_INVALID` where Node.js has none. */
  async load(): Promise<void> {
    if (this.#open !== undefined) return;
    try {
      this.#open = (await import("node:sqlite")).DatabaseSync;
    } catch (cause) {
      throw new OutriggerError(
        `resolver-sqlite needs Node.js 22.13 or later; this is ${process.version}`,
        { code: "OTR_OPTIONS_INVALID", cause },
      );
    }
  }

  /**
   * Runs short work with the table, once more after a pause while others hold the lock.
   * @throws OutriggerError `OTR_RESOLVE_FAILED`, or the reason of the signal.
   */
  async use<T>(what: string, work: (table: HostsTable) => T, signal?: AbortSignal): Promise<T> {
    const endsAt = performance.now() + this.#settings.busyTimeoutMs;
    for (;;) {
      signal?.throwIfAborted();
      try {
        return work(this.#connect().table);
      } catch (reason) {
        const busy = isBusy(reason);
        // What the connection has is unknown: the table may be gone, the disk may have failed.
        if (!busy) this.#disconnect();
        if (!busy || performance.now() >= endsAt) throw this.#failure(what, reason);
      }
      await sleep(busyPauseMs, undefined, signal === undefined ? {} : { signal }).catch(() => {
        signal?.throwIfAborted();
      });
    }
  }

  /** Final. */
  close(): void {
    this.#closed = true;
    this.#disconnect();
  }

  #connect(): Connection {
    if (this.#closed) {
      throw new OutriggerError("resolver-sqlite is stopped", { code: "OTR_STOPPED" });
    }
    if (this.#connection !== undefined) {
      if (this.#connection.file === fileAt(this.#settings.path)) return this.#connection;
      this.#disconnect();
    }
    const connection = this.#openFile();
    this.#connection = connection;
    const replaced = this.#lastFile !== undefined && this.#lastFile !== connection.file;
    this.#lastFile = connection.file;
    if (replaced) this.#listener.onReplaced();
    return connection;
  }

  #openFile(): Connection {
    const { path, disableWal } = this.#settings;
    if (this.#open === undefined) {
      throw new OutriggerError("resolver-sqlite is not started", { code: "OTR_NOT_STARTED" });
    }
    const database = new this.#open(path);
    try {
      const journal = path === inMemory ? "MEMORY" : disableWal ? "DELETE" : "WAL";
      database.exec(`PRAGMA journal_mode = ${journal}`);
      // With a write-ahead log a commit then does not wait for the disk. What a power cut could
      // take is registrations, and those of sidecars that it has ended.
      database.exec("PRAGMA synchronous = NORMAL");
      createSchema(database, this.#settings);
      const table = new HostsTable(database, this.#settings);
      return { database, table, file: fileAt(path) };
    } catch (reason) {
      database.close();
      throw reason;
    }
  }

  #disconnect(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    try {
      connection?.database.close();
    } catch {
      // A file that fails to close is given up all the same.
    }
  }

  #failure(what: string, cause: unknown): OutriggerError {
    if (cause instanceof OutriggerError) return cause;
    return new OutriggerError(`${what}: ${errorText(cause)}`, {
      code: "OTR_RESOLVE_FAILED",
      cause,
      details: { path: this.#settings.path },
    });
  }
}

/** Device and inode: they differ when a file was deleted and made again. */
function fileAt(path: string): string {
  if (path === inMemory) return inMemory;
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? "" : `${stat.dev}:${stat.ino}`;
}

// Primary result codes SQLITE_BUSY and SQLITE_LOCKED; the other bits say why.
function isBusy(reason: unknown): boolean {
  const code = (reason as { errcode?: unknown } | undefined)?.errcode;
  return typeof code === "number" && ((code & 0xff) === 5 || (code & 0xff) === 6);
}
