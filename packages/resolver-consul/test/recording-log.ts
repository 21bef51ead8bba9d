import type { Logger, LogLevel } from "@outrigger/core";

/** Keeps what is logged. */
export class RecordingLog implements Logger {
  readonly lines: { readonly level: LogLevel; readonly message: string }[] = [];

  log(level: LogLevel, message: string): void {
    this.lines.push({ level, message });
  }

  enabled(): boolean {
    return true;
  }

  scope(): Logger {
    return this;
  }

  /** Lines that match. */
  of(pattern: RegExp): readonly string[] {
    const lines = this.lines.map(({ level, message }) => `${level}: ${message}`);
    return lines.filter((line) => pattern.test(line));
  }
}
