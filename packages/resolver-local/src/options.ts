import type { StandardSchema } from "@outrigger/core";
import * as v from "valibot";

/** Options of `resolverLocal`. Everything has a default. */
export interface ResolverLocalOptions {
  /**
   * Folder of the registry. Default: `outrigger` in the user's runtime folder, or
   * `outrigger-<uid>` in the folder for temporary files where there is no runtime folder.
   */
  readonly folder?: string;
  /**
   * Age of an answer at which a call waits until the folder has been looked at again, in
   * milliseconds. Default 1000; 0 makes every call wait.
   */
  readonly freshMs?: number;
  /**
   * Age of an answer at which the folder is looked at again in the background, while calls go on
   * with the answer, in milliseconds. Default 100.
   */
  readonly refreshMs?: number;
  /** How often the own file is touched, and written again when it is gone, in milliseconds. Default 2000. */
  readonly heartbeatMs?: number;
  /**
   * Age of a heartbeat at which an instance counts as gone where its process cannot be looked at:
   * in another container, or on a system without `/proc`. In milliseconds, default 15000.
   */
  readonly lifetimeMs?: number;
  /** How long an endpoint that could not be reached is avoided, in milliseconds. Default 5000. */
  readonly retryAfterMs?: number;
  /** Most files looked at; the rest is ignored. Default 4096. */
  readonly maxFiles?: number;
}

/** Options with their defaults. */
export interface LocalSettings {
  readonly folder?: string;
  readonly freshMs: number;
  readonly refreshMs: number;
  readonly heartbeatMs: number;
  readonly lifetimeMs: number;
  readonly retryAfterMs: number;
  readonly maxFiles: number;
}

// Longer delays would overflow setTimeout, which then fires at once.
const maxDelayMs = 2_147_483_647;
const delay = (minMs: number) => v.pipe(v.number(), v.minValue(minMs), v.maxValue(maxDelayMs));

/** Validates the options. */
export const optionsSchema: StandardSchema<LocalSettings> = v.pipe(
  v.strictObject({
    folder: v.exactOptional(v.pipe(v.string(), v.nonEmpty("must not be empty"))),
    freshMs: v.optional(delay(0), 1_000),
    refreshMs: v.optional(delay(0), 100),
    heartbeatMs: v.optional(delay(10), 2_000),
    lifetimeMs: v.optional(delay(20), 15_000),
    retryAfterMs: v.optional(delay(0), 5_000),
    maxFiles: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)), 4_096),
  }),
  v.check(
    ({ heartbeatMs, lifetimeMs }) => lifetimeMs >= 2 * heartbeatMs,
    "lifetimeMs must be at least twice heartbeatMs, or instances would vanish between two heartbeats",
  ),
);
