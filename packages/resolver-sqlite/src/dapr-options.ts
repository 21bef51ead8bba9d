import { OutriggerError } from "@outrigger/core";
import { databasePath } from "./connection-string.ts";
import { durationMs } from "./go-duration.ts";
import type { ResolverSqliteOptions } from "./options.ts";

/** The longest time that a timer of Node.js can wait: more than three weeks. */
const maxTimerMs = 2_147_483_647;

/** Dapr's names of each setting, lower-cased; the first one that is there counts. */
const keys = {
  connectionString: ["connectionstring", "url"],
  tableName: ["tablename"],
  metadataTableName: ["metadatatablename"],
  updateInterval: ["updateinterval"],
  timeout: ["timeout", "timeoutinseconds"],
  busyTimeout: ["busytimeout"],
  cleanupInterval: ["cleanupinterval", "cleanupintervalinseconds"],
  disableWal: ["disablewal"],
} as const;

/**
 * Reads `spec.nameResolution.configuration` of Dapr's `sqlite` resolver as Dapr does: keys in any
 * case, aliases, durations as `5s` or as seconds, unknown keys ignored.
 * @throws OutriggerError `OTR_OPTIONS_INVALID` with Dapr's text.
 */
export function sqliteOptionsFromDapr(configuration: unknown): ResolverSqliteOptions {
  const given = new Settings(configuration);
  const connectionString = given.text(keys.connectionString) ?? "";
  if (connectionString === "") throw invalid("missing connection string");
  const timeoutMs = given.duration(keys.timeout, 1_000);
  const updateIntervalMs = given.duration(keys.updateInterval, 5_000);
  const busyTimeoutMs = Math.trunc(given.duration(keys.busyTimeout, 800));
  const cleanupIntervalMs = given.duration(keys.cleanupInterval, 3_600_000);
  if (timeoutMs < 1_000) {
    throw invalid("invalid value for 'timeout': must be greater than 1s");
  }
  const tableName = given.text(keys.tableName) ?? "hosts";
  const metadataTableName = given.text(keys.metadataTableName) ?? "metadata";
  checkIdentifier("table name", tableName);
  checkIdentifier("metadata table name", metadataTableName);
  if (updateIntervalMs % 1_000 !== 0) {
    throw invalid("update interval must not contain fractions of seconds");
  }
  if (updateIntervalMs - timeoutMs < 1_000) {
    throw invalid("update interval must be at least 1s greater than timeout");
  }
  return {
    path: databasePath(connectionString),
    tableName,
    metadataTableName,
    updateIntervalMs,
    timeoutMs,
    busyTimeoutMs: Math.max(0, busyTimeoutMs),
    cleanupIntervalMs: Math.min(Math.max(0, cleanupIntervalMs), maxTimerMs),
    disableWal: given.truth(keys.disableWal),
  };
}

/** Dapr's free-form map: values are text, whatever YAML made of them. */
class Settings {
  readonly #values = new Map<string, unknown>();

  constructor(configuration: unknown) {
    if (configuration === undefined || configuration === null) return;
    if (typeof configuration !== "object" || Array.isArray(configuration)) {
      throw invalid("the configuration of the sqlite resolver must be a map");
    }
    for (const [key, value] of Object.entries(configuration)) {
      const name = key.toLowerCase();
      if (this.#values.has(name)) throw invalid(`duplicate key in the configuration: ${name}`);
      this.#values.set(name, value ?? "");
    }
  }

  text(names: readonly string[]): string | undefined {
    for (const name of names) {
      const value = this.#values.get(name);
      if (value !== undefined) return textOf(name, value);
    }
    return undefined;
  }

  duration(names: readonly string[], defaultMs: number): number {
    const text = this.text(names);
    if (text === undefined || text === "") return defaultMs;
    const value = durationMs(text);
    if (value === undefined) throw invalid(`time: invalid duration ${JSON.stringify(text)}`);
    return value;
  }

  truth(names: readonly string[]): boolean {
    const text = this.text(names)?.trim().toLowerCase() ?? "";
    return ["y", "yes", "true", "t", "on", "1"].includes(text);
  }
}

function textOf(key: string, value: unknown): string {
  if (typeof value === "object") throw invalid(`the value of ${key} must be text`);
  return String(value);
}

function checkIdentifier(what: string, name: string): void {
  if (!/^[A-Za-z0-9_]+$/.test(name)) throw invalid(`invalid identifier for ${what}: ${name}`);
}

function invalid(message: string): OutriggerError {
  return new OutriggerError(message, { code: "OTR_OPTIONS_INVALID" });
}
