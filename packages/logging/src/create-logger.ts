import { hostname } from "node:os";
import {
  type LogFields,
  type Logger,
  type LogLevel,
  OutriggerError,
  parseOptions,
} from "@outrigger/core";
import * as v from "valibot";
import { createNanoClock, formatTime } from "./clock.ts";
import { type LineFormatter, type LogFormat, lineFormatters } from "./line-format.ts";
import { levelRanks } from "./log-level.ts";
import type { LogSink } from "./log-sink.ts";
import { stdoutSink } from "./stdout-sink.ts";

/** Options of `createLogger`. */
export interface LoggerOptions {
  /** Printed as `app_id`; left out when empty. Default none. */
  appId?: string | undefined;
  /** `text`, `json`, or `color` for terminals. Default `text`. */
  format?: LogFormat | undefined;
  /** Lowest level that is written. Default `info`. */
  level?: LogLevel | undefined;
  /** Printed as `ver`. Default `unknown`. */
  version?: string | undefined;
  /** Scope of the logger itself. Default `dapr.runtime`. */
  scope?: string | undefined;
  /** Printed as `instance`. Default the host name. */
  instance?: string | undefined;
  /** Where lines go. Default standard output. */
  sink?: LogSink | undefined;
  /** Nanoseconds since the Unix epoch. Default the system's clock. */
  now?: (() => bigint) | undefined;
}

/** A logger whose level can change while it runs; scopes made before follow. */
export interface LeveledLogger extends Logger {
  scope(scope: string): LeveledLogger;
  setLevel(level: LogLevel): void;
  readonly level: LogLevel;
  /**
   * The same sink with a level of its own that `setLevel` does not reach. Dapr's API log lines are
   * written whatever `--log-level` says.
   */
  withLevel(level: LogLevel): LeveledLogger;
  /** Puts an `app_id` on every later line, when it was not known at first. */
  setAppId(appId: string): void;
}

const optionsSchema = v.strictObject({
  appId: v.optional(v.string("must be a string")),
  format: v.optional(v.picklist(["text", "json", "color"], "must be text, json or color"), "text"),
  level: v.optional(
    v.picklist(
      ["debug", "info", "warn", "error", "fatal"],
      "must be debug, info, warn, error or fatal",
    ),
    "info",
  ),
  version: v.optional(v.string("must be a string"), "unknown"),
  scope: v.optional(v.string("must be a string"), "dapr.runtime"),
  instance: v.optional(v.string("must be a string")),
});

/**
 * Makes a logger that writes Dapr's line forms.
 * @throws OutriggerError `OTR_OPTIONS_INVALID`.
 */
export function createLogger(options: LoggerOptions = {}): LeveledLogger {
  const { sink, now, ...plain } = options;
  const settings = parseOptions("logging", optionsSchema, plain);
  if (sink !== undefined && typeof sink.write !== "function") {
    throw new OutriggerError("logging: sink: must have a write function", {
      code: "OTR_OPTIONS_INVALID",
      details: { owner: "logging" },
    });
  }
  const clock = now ?? createNanoClock();
  const output: Output = {
    sink: sink ?? stdoutSink(),
    format: lineFormatters[settings.format],
    now: clock,
    startedAt: clock(),
    common: {
      ...(settings.appId ? { app_id: settings.appId } : {}),
      instance: settings.instance ?? hostname(),
      type: "log",
      ver: settings.version,
    },
    reportedLoss: 0,
  };
  return new DaprLogger(output, { level: settings.level }, settings.scope);
}

/** What all scopes of one logger share. */
interface Output {
  readonly sink: LogSink;
  readonly format: LineFormatter;
  readonly now: () => bigint;
  readonly startedAt: bigint;
  common: LogFields;
  reportedLoss: number;
}

class DaprLogger implements LeveledLogger {
  readonly #output: Output;
  readonly #threshold: { level: LogLevel };
  readonly #scope: string;

  constructor(output: Output, threshold: { level: LogLevel }, scope: string) {
    this.#output = output;
    this.#threshold = threshold;
    this.#scope = scope;
  }

  get level(): LogLevel {
    return this.#threshold.level;
  }

  enabled(level: LogLevel): boolean {
    return levelRanks[level] >= levelRanks[this.#threshold.level];
  }

  log(level: LogLevel, message: string, fields?: LogFields): void {
    if (!this.enabled(level)) return;
    const { sink } = this.#output;
    const lostBefore = sink.lostLines ?? 0;
    this.#write(level, message, fields);
    // While lines are still being lost, a report of it would be lost as well.
    if ((sink.lostLines ?? 0) === lostBefore) this.#reportLoss(lostBefore);
  }

  scope(scope: string): LeveledLogger {
    return new DaprLogger(this.#output, this.#threshold, scope);
  }

  setLevel(level: LogLevel): void {
    this.#threshold.level = level;
  }

  withLevel(level: LogLevel): LeveledLogger {
    return new DaprLogger(this.#output, { level }, this.#scope);
  }

  setAppId(appId: string): void {
    this.#output.common = { ...this.#output.common, app_id: appId };
  }

  #write(level: LogLevel, message: string, fields: LogFields | undefined): void {
    const output = this.#output;
    const nanos = output.now();
    output.sink.write(
      output.format({
        time: formatTime(nanos),
        level,
        message,
        elapsedSeconds: Number((nanos - output.startedAt) / 1_000_000_000n),
        fields: withoutEmptyAppId({ ...output.common, scope: this.#scope, ...fields }),
      }),
    );
  }

  #reportLoss(lost: number): void {
    const output = this.#output;
    const fresh = lost - output.reportedLoss;
    if (fresh === 0) return;
    this.#write("warn", `${fresh} log lines were lost: standard output was not read in time`, {});
    const lostNow = output.sink.lostLines ?? 0;
    // A report that is lost itself is made again, and does not count as a line.
    output.reportedLoss = lostNow === lost ? lost : output.reportedLoss + lostNow - lost;
  }
}

/** A line that is nobody's has no `app_id`: the spans of Dapr's trace exporter, for example. */
function withoutEmptyAppId(fields: LogFields): LogFields {
  if (fields.app_id !== "") return fields;
  const { app_id: _, ...rest } = fields;
  return rest;
}
