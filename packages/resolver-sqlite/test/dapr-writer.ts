import { randomUUID } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import type { ResolverPeers } from "@outrigger/conformance";
import { type Instance, joinHostPort } from "@outrigger/core";

/** Sidecars that treat the file as Dapr 1.18 does: its schema, its statements, its intervals. */
export class DaprWriter implements ResolverPeers {
  readonly #path: string;
  readonly #rows = new Map<string, string>();
  readonly #timer: NodeJS.Timeout;
  #database: DatabaseSync;
  /** Registrations whose renewal touched no row; each would have ended a sidecar. */
  lost = 0;

  constructor(path: string, renewEveryMs: number) {
    this.#path = path;
    this.#database = this.#open();
    this.#timer = setInterval(() => this.#renew(), renewEveryMs).unref();
  }

  reopen(): void {
    this.#database.close();
    this.#database = this.#open();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#database.close();
  }

  async add(instance: Instance): Promise<void> {
    const id = randomUUID();
    const address = addressOf(instance);
    this.#rows.set(address, id);
    this.#insert(id, address, instance.appId);
  }

  async remove(instance: Instance): Promise<void> {
    const address = addressOf(instance);
    this.#database
      .prepare("DELETE FROM hosts WHERE registration_id = ? AND address = ?")
      .run(this.#rows.get(address) ?? "", address);
    this.#rows.delete(address);
  }

  async crash(instance: Instance): Promise<void> {
    this.#rows.delete(addressOf(instance));
  }

  async addMalformed(appId: string): Promise<void> {
    for (const address of ["", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:70000", "::1:80", "a b:1"]) {
      this.#insert(randomUUID(), address, appId);
    }
  }

  #insert(id: string, address: string, appId: string): void {
    this.#database
      .prepare(
        "REPLACE INTO hosts (registration_id, address, app_id, namespace, last_update) VALUES (?, ?, ?, ?, unixepoch(CURRENT_TIMESTAMP))",
      )
      .run(id, address, appId, "");
  }

  #renew(): void {
    for (const [address, id] of this.#rows) {
      const { changes } = this.#database
        .prepare(
          "UPDATE hosts SET last_update = unixepoch(CURRENT_TIMESTAMP) WHERE registration_id = ? AND address = ?",
        )
        .run(id, address);
      if (changes === 0) this.lost += 1;
    }
  }

  #open(): DatabaseSync {
    const database = new DatabaseSync(this.#path);
    database.exec("PRAGMA busy_timeout = 800; PRAGMA journal_mode = WAL");
    const exists = database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'hosts'").get();
    if (exists === undefined) database.exec(daprSchema);
    return database;
  }
}

export const daprSchema = `
BEGIN EXCLUSIVE;
CREATE TABLE IF NOT EXISTS metadata (key text NOT NULL PRIMARY KEY, value text NOT NULL);
CREATE TABLE hosts (
  registration_id TEXT NOT NULL PRIMARY KEY,
  address TEXT NOT NULL,
  app_id TEXT NOT NULL,
  namespace TEXT NOT NULL,
  last_update INTEGER NOT NULL
);
CREATE UNIQUE INDEX hosts_address_idx ON hosts (address);
CREATE INDEX hosts_last_update_idx ON hosts (last_update);
INSERT INTO metadata (key, value) VALUES ('nr-migrations', '1');
COMMIT;`;

function addressOf({ host, internalPort }: Instance): string {
  return joinHostPort(host, internalPort);
}
