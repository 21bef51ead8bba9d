import { randomUUID } from "node:crypto";
import { errorText, type Instance, type Logger, OutriggerError } from "@outrigger/core";
import type { Database } from "./database.ts";
import type { HostRow, HostsTable } from "./hosts-table.ts";
import type { Liveness } from "./liveness.ts";
import type { SqliteSettings } from "./options.ts";
import { addressOf } from "./own-instance.ts";

interface Registration {
  readonly appId: string;
  row: HostRow;
  /** Somebody else has the address; said once. */
  takenOver: boolean;
}

/**
 * The rows of the own sidecar: written, renewed before their life ends, written again when they are
 * gone, deleted at the end. Losing one never ends the process, as it does with Dapr.
 */
export class Registrations {
  readonly #database: Database;
  readonly #liveness: Liveness;
  readonly #settings: SqliteSettings;
  readonly #log: Logger;
  readonly #own = new Map<string, Registration>();
  #timer: NodeJS.Timeout | undefined;
  #failing = false;
  #closed = false;

  constructor(database: Database, liveness: Liveness, settings: SqliteSettings, log: Logger) {
    this.#database = database;
    this.#liveness = liveness;
    this.#settings = settings;
    this.#log = log;
  }

  /** @throws OutriggerError `OTR_OPTIONS_INVALID`, `OTR_RESOLVE_FAILED` or the signal's reason. */
  async add(instance: Instance, signal: AbortSignal): Promise<void> {
    const { appId, internalPort } = instance;
    const address = addressOf(instance);
    const key = `${appId} ${address}`;
    if (this.#own.has(key)) {
      throw new OutriggerError(`app id ${appId} already registered for port ${internalPort}`, {
        code: "OTR_OPTIONS_INVALID",
        details: { appId, port: internalPort },
      });
    }
    const namespace = instance.namespace || "default";
    const row = { registrationId: randomUUID(), address, namespace, lastUpdate: 0 };
    const own: Registration = { appId, row, takenOver: false };
    this.#own.set(key, own);
    try {
      await this.#write(
        "failed to register host",
        (table) => {
          // It was withdrawn while it waited for the lock.
          if (this.#own.get(key) !== own) throw stopped();
          this.#register(table, own);
        },
        signal,
      );
    } catch (reason) {
      if (this.#own.get(key) === own) this.#own.delete(key);
      throw reason;
    }
    this.#schedule();
    this.#log.log("info", `registered ${appId} -> ${address} in ${this.#settings.path}`);
  }

  /** Deletes every own row. Bounded by the time for a busy file; what fails is left to expire. */
  async withdraw(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const rows = [...this.#own.values()].map(({ row }) => row);
    this.#own.clear();
    if (rows.length === 0) return;
    try {
      await this.#write("failed to unregister host", (table) => {
        for (const row of rows) table.remove(row);
      });
    } catch (reason) {
      this.#log.log("warn", `resolver-sqlite: ${errorText(reason)}; the registration will expire`);
    }
  }

  /** Renews now instead of at the next turn: the file was replaced, for example. */
  renewSoon(): void {
    if (this.#own.size === 0 || this.#closed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#renewAll(), 0);
    this.#timer.unref();
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.withdraw();
  }

  #schedule(): void {
    if (this.#closed || this.#own.size === 0) return;
    const { updateIntervalMs, timeoutMs } = this.#settings;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#renewAll(), updateIntervalMs - timeoutMs);
    this.#timer.unref();
  }

  /** Never rejects. */
  async #renewAll(): Promise<void> {
    try {
      await this.#write("failed to update host registration", (table) => {
        for (const own of this.#own.values()) this.#renew(table, own);
      });
      if (this.#failing) this.#log.log("info", "resolver-sqlite: registered again");
      this.#failing = false;
    } catch (reason) {
      if (!this.#failing) this.#log.log("error", `resolver-sqlite: ${errorText(reason)}`);
      this.#failing = true;
    }
    this.#schedule();
  }

  #renew(table: HostsTable, own: Registration): void {
    if (table.renew(own.row, this.#liveness.nowSeconds())) {
      own.takenOver = false;
      return;
    }
    const owner = table.owner(own.row.address);
    // Taking it back would take it from a live sidecar, which would take it back as well, or exit.
    if (owner !== undefined && this.#liveness.test()(owner.lastUpdate)) {
      if (own.takenOver) return;
      own.takenOver = true;
      const { address } = own.row;
      this.#log.log(
        "error",
        `resolver-sqlite: another sidecar registered ${address}; ${own.appId} is not found there until it ends`,
      );
      return;
    }
    this.#register(table, own);
    own.takenOver = false;
    this.#log.log(
      "warn",
      `resolver-sqlite: the registration of ${own.appId} was lost and is made again`,
    );
  }

  #register(table: HostsTable, own: Registration): void {
    own.row = { ...own.row, lastUpdate: this.#liveness.nowSeconds() };
    table.register(own.row, own.appId);
  }

  #write(what: string, work: (table: HostsTable) => void, signal?: AbortSignal): Promise<void> {
    return this.#database.use(what, work, signal);
  }
}

function stopped(): OutriggerError {
  return new OutriggerError("resolver-sqlite: withdrawn before it was registered", {
    code: "OTR_STOPPED",
  });
}
