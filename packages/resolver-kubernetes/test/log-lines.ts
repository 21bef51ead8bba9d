import type { Logger } from "@outrigger/core";

/** A logger that keeps its lines as `level message`. */
export class LogLines implements Logger {
  readonly lines: string[] = [];

  log(level: string, message: string): void {
    this.lines.push(`${level} ${message}`);
  }

  enabled(): boolean {
    return true;
  }

  scope(): Logger {
    return this;
  }

  warnings(): readonly string[] {
    return this.lines.filter((line) => line.startsWith("warn "));
  }
}
