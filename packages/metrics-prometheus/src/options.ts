import { type Logger, parseOptions, type StandardSchema } from "@outrigger/core";
import * as v from "valibot";
import type { PathOptions } from "./http-paths.ts";
import type { MetricRule } from "./label-rules.ts";

/** Options of `createMetrics`. */
export interface MetricsOptions {
  /** Value of `app_id`: whose sidecar measures. */
  readonly appId: string;
  /** Labels of HTTP families. */
  readonly http?: PathOptions & {
    /** Leaves `method` empty. Default false. */
    readonly excludeVerbs?: boolean;
  };
  /** Bounds of all latency histograms, in milliseconds. Default: Dapr's 34. */
  readonly latencyBucketsMs?: readonly number[];
  /** Rewritings of label values. Default none. */
  readonly rules?: readonly MetricRule[];
  /** Count the error codes of answers. Default false. */
  readonly recordErrorCodes?: boolean;
  /** Series of one family before new ones are recorded together. Default 2000. */
  readonly maxSeries?: number;
  readonly log?: Logger;
}

/** Options with their defaults. */
export interface MetricsSettings {
  readonly appId: string;
  readonly http: NonNullable<MetricsOptions["http"]>;
  readonly latencyBucketsMs?: readonly number[] | undefined;
  readonly rules: readonly MetricRule[];
  readonly recordErrorCodes: boolean;
  readonly maxSeries: number;
  readonly log?: Logger | undefined;
}

const text = v.string("must be a text");
const bool = v.boolean("must be true or false");

const rule: v.GenericSchema<MetricRule> = v.strictObject({
  name: text,
  labels: v.array(v.strictObject({ name: text, regex: v.record(text, text) })),
});

const schema: StandardSchema<MetricsSettings> = v.strictObject({
  appId: text,
  http: v.optional(
    v.strictObject({
      increasedCardinality: v.optional(bool, true),
      pathMatching: v.optional(v.array(text, "must be a list of patterns"), []),
      excludeVerbs: v.optional(bool, false),
    }),
    {},
  ),
  latencyBucketsMs: v.optional(
    v.array(
      v.pipe(
        v.number("must be a number of milliseconds"),
        v.finite("must be finite"),
        v.minValue(0, "must not be negative"),
      ),
    ),
  ),
  rules: v.optional(v.array(rule), []),
  recordErrorCodes: v.optional(bool, false),
  maxSeries: v.optional(
    v.pipe(
      v.number("must be a whole number"),
      v.integer("must be a whole number"),
      v.minValue(1, "must be at least 1"),
    ),
    2_000,
  ),
  log: v.optional(
    v.custom<Logger>((value) => typeof value === "object" && value !== null, "must be a logger"),
  ),
});

/** @throws OutriggerError `OTR_OPTIONS_INVALID`. */
export function parseMetricsOptions(options: MetricsOptions): MetricsSettings {
  return parseOptions("@outrigger/metrics-prometheus", schema, options);
}
