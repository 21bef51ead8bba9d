import type { DatabaseSync, StatementSync } from "node:sqlite";

/** Names of the two tables. */
export interface TableNames {
  readonly tableName: string;
  readonly metadataTableName: string;
}

/** One registration as it is in the file. */
export interface HostRow {
  readonly registrationId: string;
  readonly address: string;
  /** Empty in what Dapr writes. */
  readonly namespace: string;
  readonly lastUpdate: number;
}

const maxRows = 4_096;
const migrationsKey = "nr-migrations";
const cleanupKey = "nr-last-cleanup";

/** The statements of Dapr's schema, prepared once. Times in seconds since the Unix epoch. */
export class HostsTable {
  readonly #find: StatementSync;
  readonly #register: StatementSync;
  readonly #renew: StatementSync;
  readonly #owner: StatementSync;
  readonly #remove: StatementSync;
  readonly #notAfter: StatementSync;
  readonly #removeUnrenewed: StatementSync;
  readonly #claimCleanup: StatementSync;

  constructor(database: DatabaseSync, { tableName, metadataTableName }: TableNames) {
    const row = "registration_id AS registrationId, address, namespace, last_update AS lastUpdate";
    this.#find = database.prepare(
      `SELECT ${row} FROM ${tableName} WHERE app_id = ? AND namespace IN (?, '') AND last_update > ? LIMIT ${maxRows}`,
    );
    // The address has a unique index: whoever had it before is replaced, as in Dapr.
    this.#register = database.prepare(
      `REPLACE INTO ${tableName} (registration_id, address, app_id, namespace, last_update) VALUES (?, ?, ?, ?, ?)`,
    );
    this.#renew = database.prepare(
      `UPDATE ${tableName} SET last_update = ? WHERE registration_id = ? AND address = ?`,
    );
    this.#owner = database.prepare(`SELECT ${row} FROM ${tableName} WHERE address = ?`);
    this.#remove = database.prepare(
      `DELETE FROM ${tableName} WHERE registration_id = ? AND address = ?`,
    );
    this.#notAfter = database.prepare(
      `SELECT ${row} FROM ${tableName} WHERE last_update <= ? ORDER BY last_update LIMIT ?`,
    );
    // One statement for all: each would wait for a commit of its own.
    this.#removeUnrenewed = database.prepare(
      `DELETE FROM ${tableName} WHERE (registration_id, last_update) IN
        (SELECT json_extract(value, '$.registrationId'), json_extract(value, '$.lastUpdate') FROM json_each(?))`,
    );
    this.#claimCleanup = database.prepare(
      `INSERT INTO ${metadataTableName} (key, value) VALUES ('${cleanupKey}', CURRENT_TIMESTAMP)
        ON CONFLICT (key) DO UPDATE SET value = CURRENT_TIMESTAMP
        WHERE abs(unixepoch(CURRENT_TIMESTAMP) - ifnull(unixepoch(value), 0)) >= ?`,
    );
  }

  /** Registrations of an app in a namespace, or in none, that were renewed after a time. */
  find(appId: string, namespace: string, afterSeconds: number): readonly HostRow[] {
    return this.#find.all(appId, namespace, afterSeconds).map(hostRow);
  }

  register(row: HostRow, appId: string): void {
    this.#register.run(row.registrationId, row.address, appId, row.namespace, row.lastUpdate);
  }

  /** @returns false when the registration is not there any more. */
  renew({ registrationId, address }: HostRow, nowSeconds: number): boolean {
    return this.#renew.run(nowSeconds, registrationId, address).changes !== 0;
  }

  /** Who has the address now. */
  owner(address: string): HostRow | undefined {
    const found = this.#owner.get(address);
    return found === undefined ? undefined : hostRow(found);
  }

  remove({ registrationId, address }: HostRow): void {
    this.#remove.run(registrationId, address);
  }

  /** Registrations that were renewed last at a time or before it. */
  notAfter(seconds: number, limit: number): readonly HostRow[] {
    return this.#notAfter.all(seconds, limit).map(hostRow);
  }

  /** Removes registrations, except those that were renewed since. @returns how many */
  removeUnrenewed(rows: readonly HostRow[]): number {
    return Number(this.#removeUnrenewed.run(JSON.stringify(rows)).changes);
  }

  /** @returns true for the one sidecar that is to clean up, as the last time is long enough ago. */
  claimCleanup(intervalSeconds: number): boolean {
    return this.#claimCleanup.run(intervalSeconds).changes !== 0;
  }
}

/**
 * Makes Dapr's tables where they are missing, under the same lock as Dapr does.
 *
 * The time of the last cleanup is set from the beginning. Dapr's own cleanup deletes the live
 * registrations instead of the dead ones, upon which its sidecars exit; it leaves the file alone
 * while this time is less than some weeks ago.
 */
export function createSchema(database: DatabaseSync, names: TableNames): void {
  const { tableName, metadataTableName } = names;
  const exists = database.prepare("SELECT count(*) AS n FROM sqlite_master WHERE name IN (?, ?)");
  if (exists.get(tableName, metadataTableName)?.n === 2) {
    database.exec(initialCleanup(metadataTableName));
    return;
  }
  // A failure in between is undone when the connection is closed, which the caller does.
  database.exec(`
      BEGIN EXCLUSIVE;
      CREATE TABLE IF NOT EXISTS ${metadataTableName} (key text NOT NULL PRIMARY KEY, value text NOT NULL);
      CREATE TABLE IF NOT EXISTS ${tableName} (
        registration_id TEXT NOT NULL PRIMARY KEY,
        address TEXT NOT NULL,
        app_id TEXT NOT NULL,
        namespace TEXT NOT NULL,
        last_update INTEGER NOT NULL
      );
      CREATE UNIQUE INDEX IF NOT EXISTS ${tableName}_address_idx ON ${tableName} (address);
      CREATE INDEX IF NOT EXISTS ${tableName}_last_update_idx ON ${tableName} (last_update);
      INSERT OR IGNORE INTO ${metadataTableName} (key, value) VALUES ('${migrationsKey}', '1');
      ${initialCleanup(metadataTableName)}
      COMMIT`);
}

function initialCleanup(metadataTableName: string): string {
  return `INSERT OR IGNORE INTO ${metadataTableName} (key, value) VALUES ('${cleanupKey}', CURRENT_TIMESTAMP);`;
}

/** SQLite columns take values of any type; others than Dapr and we may have written the file. */
function hostRow(row: Record<string, unknown>): HostRow {
  return {
    registrationId: String(row.registrationId),
    address: String(row.address),
    namespace: String(row.namespace),
    lastUpdate: Number(row.lastUpdate),
  };
}
