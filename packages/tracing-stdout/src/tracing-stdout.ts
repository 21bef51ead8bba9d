import { type LogFields, parseOptions, type StandardSchema } from "@outrigger/core";
import type { SpanExporterFactory } from "@outrigger/tracing";
import * as v from "valibot";
import { formatSpan } from "./format-span.ts";

/** Options of `tracingStdout`. */
export interface TracingStdoutOptions {
  /** Scope of the log lines. Default `dapr.runtime.trace`. */
  readonly scope?: string;
  /** More keys of each line. Default none. */
  readonly fields?: LogFields;
}

interface Settings {
  readonly scope: string;
  readonly fields: LogFields;
}

const schema: StandardSchema<Settings> = v.strictObject({
  scope: v.optional(
    v.pipe(v.string("must be a name"), v.nonEmpty("must not be empty")),
    "dapr.runtime.trace",
  ),
  fields: v.optional(
    v.record(v.string(), v.union([v.string(), v.number(), v.boolean()], "must be a plain value")),
    {},
  ),
});

/**
 * Writes each span as a line of the log, with level info.
 * @throws OutriggerError `OTR_OPTIONS_INVALID`.
 */
export function tracingStdout(options: TracingStdoutOptions = {}): SpanExporterFactory {
  const { scope, fields } = parseOptions("@outrigger/tracing-stdout", schema, options);
  return ({ log }) => {
    const lines = log.scope(scope);
    return {
      name: "tracing-stdout",
      target: "the log",
      export: async (spans) => {
        for (const span of spans) lines.log("info", formatSpan(span), fields);
      },
    };
  };
}
