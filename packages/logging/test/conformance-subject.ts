import { execFileSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LoggerSubject, StalledLogger } from "@outrigger/conformance";
import { createLogger, stdoutSink } from "@outrigger/logging";

/** This package as the suite wants it. */
export const subject: LoggerSubject = {
  create: (settings) => {
    const lines: string[] = [];
    const sink = { write: (line: string) => void lines.push(line), close: () => undefined };
    const logger = createLogger({ ...settings, sink });
    return {
      logger,
      written: () => lines.join(""),
      setLevel: (level) => logger.setLevel(level),
      withLevel: (level) => logger.withLevel(level),
    };
  },
  stalled,
};

/** A named pipe does not block here, as a pipe to a slow collector of logs does not. */
function stalled(): StalledLogger {
  const directory = mkdtempSync(join(tmpdir(), "outrigger-logging-"));
  const path = join(directory, "pipe");
  execFileSync("mkfifo", [path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  const sink = stdoutSink(writer);
  return {
    logger: createLogger({ sink }),
    read: () => readAll(reader),
    close: () => {
      // First, so that the sink does not wait for a reader.
      closeSync(reader);
      sink.close();
      closeSync(writer);
      rmSync(directory, { recursive: true });
    },
  };
}

function readAll(descriptor: number): string {
  const chunk = Buffer.alloc(65_536);
  let text = "";
  for (;;) {
    const length = readSome(descriptor, chunk);
    if (length === 0) return text;
    text += chunk.toString("latin1", 0, length);
  }
}

/** 0 when nothing more has come. */
function readSome(descriptor: number, into: Buffer): number {
  try {
    return readSync(descriptor, into);
  } catch (reason) {
    if ((reason as NodeJS.ErrnoException).code === "EAGAIN") return 0;
    throw reason;
  }
}
