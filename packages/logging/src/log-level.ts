import type { LogLevel } from "@outrigger/core";

/** Rank of each level; a logger writes what ranks at or above its own level. */
export const levelRanks: Readonly<Record<LogLevel, number>> = {
  debug: 0,
  info: 1,
  warn: 2,
  error: 3,
  fatal: 4,
};

/** Reads a level as Dapr's `--log-level` does, in any case; `undefined` for anything else. */
export function parseLogLevel(text: string): LogLevel | undefined {
  const lower = text.toLowerCase();
  return Object.hasOwn(levelRanks, lower) ? (lower as LogLevel) : undefined;
}

/** The word on the line: Dapr prints `warn` as `warning`. */
export function levelWord(level: LogLevel): string {
  return level === "warn" ? "warning" : level;
}
