/** Severity of a log line, in Dapr's words. */
export type LogLevel = "debug" | "info" | "warn" | "error" | "fatal";

/** Extra keys of a log line. Never tokens, keys or bodies. */
export type LogFields = Readonly<Record<string, string | number | boolean>>;

/** Sink for log lines. Implementations do not throw and do not block. */
export interface Logger {
  log(level: LogLevel, message: string, fields?: LogFields): void;
  /** True when a line of this level would be written: guards costly messages. */
  enabled(level: LogLevel): boolean;
  /** The same sink under another scope, for example `dapr.runtime.http`. */
  scope(scope: string): Logger;
}

/** Drops everything: the default of a runtime that is embedded as a library. */
export const silentLogger: Logger = {
  log: () => undefined,
  enabled: () => false,
  scope: () => silentLogger,
};
