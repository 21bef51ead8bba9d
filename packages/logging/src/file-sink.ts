import { closeSync, openSync, writeSync } from "node:fs";
import { errorText, OutriggerError } from "@outrigger/core";
import type { LogSink } from "./log-sink.ts";

/**
 * Appends to a file, which is created with mode 0644 when missing. Lines are on disk when `write`
 * returns, so a crash loses none.
 * @throws OutriggerError `OTR_OPTIONS_INVALID` when the file cannot be opened.
 */
export function fileSink(path: string): LogSink {
  let descriptor: number | undefined = openLog(path);
  return {
    write(line) {
      if (descriptor === undefined) return;
      try {
        writeWhole(descriptor, line);
      } catch {
        // A full disk must not end the process, and there is no place left to say so.
      }
    },
    close() {
      if (descriptor !== undefined) closeSync(descriptor);
      descriptor = undefined;
    },
  };
}

function openLog(path: string): number {
  try {
    return openSync(path, "a", 0o644);
  } catch (cause) {
    throw new OutriggerError(`failed to open log file ${path}: ${errorText(cause)}`, {
      code: "OTR_OPTIONS_INVALID",
      cause,
      details: { path },
    });
  }
}

function writeWhole(descriptor: number, line: string): void {
  const bytes = Buffer.from(line, "utf8");
  let written = 0;
  while (written < bytes.length) written += writeSync(descriptor, bytes, written);
}
