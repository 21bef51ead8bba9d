/** Where finished lines go. Implementations do not throw. */
export interface LogSink {
  /** @param line one line with its newline. */
  write(line: string): void;
  /** Lines given up because the reader did not keep up; absent when none ever can be. */
  readonly lostLines?: number;
  /** Writes out what is pending, within about a second, and releases the file. Idempotent. */
  close(): void;
}
