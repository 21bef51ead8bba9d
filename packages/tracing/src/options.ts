import { parseOptions, type StandardSchema } from "@outrigger/core";
import * as v from "valibot";
import type { BatchSettings } from "./span-batch.ts";
import type { SpanExporterFactory } from "./span-exporter.ts";

/** Options of `tracing`. */
export interface TracingOptions {
  /** Share of the traces that begin here which is recorded, 0 to 1. Default 0.0001. */
  readonly samplingRate?: number;
  /** Where spans go; each has a batch of its own. Default none: contexts are made, spans are dropped. */
  readonly exporters?: readonly SpanExporterFactory[];
  /** Name of the service in backends. Default the app id. */
  readonly serviceName?: string;
  /** More attributes of the service. `service.name` among them is overridden by `serviceName`. */
  readonly resource?: Readonly<Record<string, string>>;
  /** Spans that wait for one exporter at most; more are dropped. Default 2048. */
  readonly maxQueueSize?: number;
  /** Spans per export at most. Default 512. */
  readonly maxExportBatchSize?: number;
  /** Longest wait of a span before it is sent, in milliseconds. Default 5000. */
  readonly scheduleDelayMs?: number;
  /** Bound on one export, in milliseconds. Default 30000. */
  readonly exportTimeoutMs?: number;
  /** Bound on sending the last spans at the end, in milliseconds. Default 4000. */
  readonly flushTimeoutMs?: number;
}

/** Options with their defaults. */
export interface TracingSettings extends BatchSettings {
  readonly samplingRate: number;
  readonly exporters: readonly SpanExporterFactory[];
  readonly serviceName?: string | undefined;
  readonly resource: Readonly<Record<string, string>>;
  readonly flushTimeoutMs: number;
}

const longest = 2_147_483_647;
const rate = "must be a number from 0 to 1";

function whole(least: number, most: number): v.GenericSchema<number> {
  const text = `must be a whole number from ${least} to ${most}`;
  return v.pipe(v.number(text), v.integer(text), v.minValue(least, text), v.maxValue(most, text));
}

const schema: StandardSchema<TracingSettings> = v.strictObject({
  samplingRate: v.optional(
    v.pipe(v.number(rate), v.minValue(0, rate), v.maxValue(1, rate)),
    0.0001,
  ),
  exporters: v.optional(
    v.array(
      v.custom<SpanExporterFactory>((value) => typeof value === "function", "must be a function"),
    ),
    [],
  ),
  serviceName: v.optional(v.string("must be a name")),
  resource: v.optional(v.record(v.string(), v.string("must be a string")), {}),
  maxQueueSize: v.optional(whole(1, 1_000_000), 2_048),
  maxExportBatchSize: v.optional(whole(1, 1_000_000), 512),
  scheduleDelayMs: v.optional(whole(1, longest), 5_000),
  exportTimeoutMs: v.optional(whole(1, longest), 30_000),
  flushTimeoutMs: v.optional(whole(1, longest), 4_000),
});

/** @throws OutriggerError `OTR_OPTIONS_INVALID`. */
export function parseTracingOptions(options: TracingOptions): TracingSettings {
  return parseOptions("@outrigger/tracing", schema, options);
}
