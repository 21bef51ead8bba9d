import type { Logger, LogLevel } from "@outrigger/core";

/** How a case wants its logger. */
export interface LoggerSettings {
  /** Lines of `key=value` pairs, or one JSON object per line. */
  readonly format: "text" | "json";
  readonly level: LogLevel;
  readonly appId: string;
  readonly scope: string;
  /** Key `instance`: the host. */
  readonly instance: string;
  /** Key `ver`. */
  readonly version: string;
}

/** A logger and what came out of it. */
export interface LoggerUnderTest {
  readonly logger: Logger;
  /** What was written so far, in one text. */
  written(): string;
  /** Needed with the feature `levelChange`. */
  setLevel?(level: LogLevel): void;
  /** The same sink with a level that `setLevel` does not reach. Needed with the feature `ownLevel`. */
  withLevel?(level: LogLevel): Logger;
}

/** A logger under test. */
export interface LoggerSubject {
  readonly create: (settings: LoggerSettings) => LoggerUnderTest;
  /** Makes a logger that writes to a reader which does not read yet. Leave it out where none can be made. */
  readonly stalled?: () => Promise<StalledLogger> | StalledLogger;
  readonly features?: LoggerFeatures;
}

/** A logger whose output nobody reads at first. */
export interface StalledLogger {
  readonly logger: Logger;
  /** Reads what has come since, without waiting for more. */
  read(): string;
  close(): void;
}

/** What a logger may leave out. All are on unless they are `false`. */
export interface LoggerFeatures {
  readonly text?: boolean;
  readonly json?: boolean;
  /** The level can change at run time. */
  readonly levelChange?: boolean;
  /** Lines of one kind can have a level of their own, such as those about API calls. */
  readonly ownLevel?: boolean;
}
