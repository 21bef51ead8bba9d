import type { StandardSchema } from "@outrigger/core";
import * as v from "valibot";

/** Options of `resolverSqlite`. The times must be the same in all sidecars that share a file. */
export interface ResolverSqliteOptions {
  /** Path of the database file, or `:memory:` for a registry of this process alone. */
  readonly path: string;
  /** Table of the registrations: letters, digits and `_`. Default `hosts`. */
  readonly tableName?: string;
  /** Table of the schema version and of the last cleanup. Default `metadata`. */
  readonly metadataTableName?: string;
  /** Life of a registration after its last renewal, in milliseconds, whole seconds. Default 5000. */
  readonly updateIntervalMs?: number;
  /**
   * A registration is renewed this long before its life ends, in milliseconds. Default 1000. At
   * least one second less than `updateIntervalMs`.
   */
  readonly timeoutMs?: number;
  /** How long one statement is tried again while others hold the lock, in milliseconds. Default 800. */
  readonly busyTimeoutMs?: number;
  /** Time between two removals of what crashed sidecars left, in milliseconds; 0 never. Default 1 hour. */
  readonly cleanupIntervalMs?: number;
  /** True keeps a rollback journal instead of a write-ahead log. Default false. */
  readonly disableWal?: boolean;
  /** Answers are used this long before the file is read again, in milliseconds. Default 500. */
  readonly freshMs?: number;
  /** How long an endpoint that could not be reached is avoided, in milliseconds. Default 5000. */
  readonly retryAfterMs?: number;
}

/** Options with their defaults. */
export interface SqliteSettings {
  readonly path: string;
  readonly tableName: string;
  readonly metadataTableName: string;
  readonly updateIntervalMs: number;
  readonly timeoutMs: number;
  readonly busyTimeoutMs: number;
  readonly cleanupIntervalMs: number;
  readonly disableWal: boolean;
  readonly freshMs: number;
  readonly retryAfterMs: number;
}

// Longer delays would overflow setTimeout, which then fires at once.
const maxDelayMs = 2_147_483_647;
const delay = (minMs: number) => v.pipe(v.number(), v.minValue(minMs), v.maxValue(maxDelayMs));
// The names become part of the SQL text, where nothing can be bound.
const table = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9_]+$/, "must consist of letters, digits and _"),
);

/** Validates the options. */
export const optionsSchema: StandardSchema<SqliteSettings> = v.pipe(
  v.strictObject({
    path: v.pipe(
      v.string(),
      v.nonEmpty("must not be empty"),
      v.check((path) => !/^file:/i.test(path), "must be a path, not a URL"),
    ),
    tableName: v.optional(table, "hosts"),
    metadataTableName: v.optional(table, "metadata"),
    updateIntervalMs: v.optional(
      v.pipe(delay(1_000), v.multipleOf(1_000, "must be whole seconds")),
      5_000,
    ),
    timeoutMs: v.optional(delay(1), 1_000),
    busyTimeoutMs: v.optional(delay(0), 800),
    cleanupIntervalMs: v.optional(delay(0), 3_600_000),
    disableWal: v.optional(v.boolean(), false),
    freshMs: v.optional(delay(0), 500),
    retryAfterMs: v.optional(delay(0), 5_000),
  }),
  v.check(
    ({ updateIntervalMs, timeoutMs }) => updateIntervalMs - timeoutMs >= 1_000,
    "updateIntervalMs must be at least 1000 greater than timeoutMs",
  ),
  v.check(
    ({ updateIntervalMs, freshMs }) => freshMs < updateIntervalMs,
    "freshMs must be less than updateIntervalMs",
  ),
  v.check(
    ({ tableName, metadataTableName }) =>
      tableName.toLowerCase() !== metadataTableName.toLowerCase(),
    "tableName and metadataTableName must differ",
  ),
);
