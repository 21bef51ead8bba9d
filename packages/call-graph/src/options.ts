import type { StandardSchema } from "@outrigger/core";
import * as v from "valibot";

/** Options of `callGraph`. */
export interface CallGraphOptions {
  /** The own app. */
  readonly appId: string;
  /** Its namespace. Default `default`. */
  readonly namespace?: string;
  /** Most edges that are told apart; the calls of others share one edge per operation. Default 1000. */
  readonly maxEdges?: number;
  /** Milliseconds on a clock that never goes back. Default `performance.now`. */
  readonly now?: () => number;
  /** Milliseconds since the epoch, for times that people read. Default `Date.now`. */
  readonly epochMs?: () => number;
}

/** Options with their defaults. */
export interface GraphSettings {
  readonly appId: string;
  readonly namespace: string;
  readonly maxEdges: number;
  readonly now: () => number;
  readonly epochMs: () => number;
}

const clock = v.custom<() => number>((value) => typeof value === "function", "must be a function");
const countText = "must be a whole number from 1 to 100000";

/** Validates the options. */
export const optionsSchema: StandardSchema<GraphSettings> = v.strictObject({
  appId: v.pipe(v.string("must be a string"), v.nonEmpty("must not be empty")),
  namespace: v.optional(v.string("must be a string"), "default"),
  maxEdges: v.optional(
    v.pipe(
      v.number(countText),
      v.integer(countText),
      v.minValue(1, countText),
      v.maxValue(100_000, countText),
    ),
    1_000,
  ),
  now: v.optional(clock, () => () => performance.now()),
  epochMs: v.optional(clock, () => () => Date.now()),
});
