import { type ChildProcessByStdio, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

const keptLines = 20;
const killAfterMs = 5_000;

/** How to start a process of the demo. */
export interface DemoCommand {
  /** For messages, for example `sidecar of checkout`. */
  readonly title: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A process that the demo started: its lines as they come, its last words, and its end. */
export class DemoProcess {
  readonly title: string;
  /** Resolves with how it ended, never rejects: `exit code 1`, `signal SIGKILL`, or a start error. */
  readonly ended: Promise<string>;
  #child: ChildProcessByStdio<null, Readable, Readable>;
  #lastLines: string[] = [];
  #ending: string | undefined;
  #exitCode: number | null = null;

  constructor(command: DemoCommand, onLine: (line: string) => void = () => undefined) {
    this.title = command.title;
    this.#child = spawn(command.command, command.args, {
      env: command.env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      createInterface({ input: stream }).on("line", (line) => {
        this.#lastLines = [...this.#lastLines.slice(1 - keptLines), line];
        onLine(line);
      });
    }
    this.ended = new Promise((resolve) => {
      const end = (ending: string): void => {
        this.#ending ??= ending;
        resolve(this.#ending);
      };
      this.#child.once("error", (reason) => end(reason.message));
      // "close" comes after the last line of output, "exit" may come before it.
      this.#child.once("close", (code, signal) => {
        this.#exitCode = code;
        end(signal === null ? `exit code ${code}` : `signal ${signal}`);
      });
    });
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get exitCode(): number | null {
    return this.#exitCode;
  }

  /** Its last lines, indented, for a message about a failure. */
  get lastWords(): string {
    if (this.#lastLines.length === 0) return "  (it printed nothing)";
    return this.#lastLines.map((line) => `  ${line}`).join("\n");
  }

  /** Ends the process: politely, and after five seconds for good. */
  async stop(): Promise<void> {
    if (this.#ending !== undefined) return;
    this.#child.kill("SIGTERM");
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), killAfterMs);
    await this.ended;
    clearTimeout(timer);
  }
}
