import { writeSync } from "node:fs";
import type { LogSink } from "./log-sink.ts";

const retryAfterMs = 10;
const lastChanceMs = 1_000;
const pendingLimitBytes = 1024 * 1024;

/**
 * Writes to standard output (or another open descriptor). Lines are handed to the system at once,
 * so that none is lost when the process exits. When the reader of a non-blocking pipe is slow, up
 * to 1 MiB waits in memory; what does not fit is dropped and counted.
 */
export function stdoutSink(descriptor = 1): LogSink {
  return new DescriptorSink(descriptor);
}

class DescriptorSink implements LogSink {
  readonly #descriptor: number;
  /** In order. Joined only when they are written: a line that must wait costs no copy of the others. */
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #lostLines = 0;
  #readerGone = false;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  get lostLines(): number {
    return this.#lostLines;
  }

  write(line: string): void {
    if (this.#readerGone) return;
    const bytes = Buffer.from(line, "utf8");
    if (this.#pending.length === 0) {
      this.#keep(this.#push(bytes));
    } else if (this.#pendingBytes + bytes.length > pendingLimitBytes) {
      this.#lostLines += 1;
    } else {
      this.#pending.push(bytes);
      this.#pendingBytes += bytes.length;
    }
  }

  close(): void {
    const giveUpAt = Date.now() + lastChanceMs;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    while (this.#pending.length > 0 && !this.#readerGone && Date.now() < giveUpAt) {
      this.#hold(this.#push(Buffer.concat(this.#pending)));
      if (this.#pending.length > 0) pause(retryAfterMs);
    }
    this.#hold(Buffer.alloc(0));
  }

  #hold(rest: Buffer): void {
    this.#pending = rest.length === 0 ? [] : [rest];
    this.#pendingBytes = rest.length;
  }

  #keep(rest: Buffer): void {
    this.#hold(rest);
    if (rest.length === 0 || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#keep(this.#push(Buffer.concat(this.#pending)));
    }, retryAfterMs);
    // Waiting for a slow reader is no reason to keep the process alive; `close` has the last word.
    this.#timer.unref();
  }

  /** Writes as much as the system takes and returns the rest. */
  #push(bytes: Buffer): Buffer {
    let written = 0;
    try {
      while (written < bytes.length) written += writeSync(this.#descriptor, bytes, written);
    } catch (reason) {
      if ((reason as NodeJS.ErrnoException).code === "EAGAIN") return bytes.subarray(written);
      // EPIPE and the like: nobody reads any more. A sidecar outlives its log reader.
      this.#readerGone = true;
    }
    return Buffer.alloc(0);
  }
}

/** Blocks for a moment: only used on the way out, when the event loop may not turn again. */
function pause(durationMs: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, durationMs);
}
