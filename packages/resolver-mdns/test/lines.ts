import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { end } from "./lan.ts";

/** What a process prints, line by line, and what it is told. */
export class Lines {
  readonly #process: ChildProcess;
  readonly #lines: string[] = [];
  #read = 0;
  #wake: () => void = () => undefined;

  constructor(child: ChildProcess) {
    this.#process = child;
    if (child.stdout === null) throw new Error("standard output is not piped");
    createInterface({ input: child.stdout }).on("line", (line) => {
      this.#lines.push(line);
      this.#wake();
    });
    child.once("exit", () => this.#wake());
  }

  /** The first line not waited for yet that contains the text; those before it are skipped. */
  async waitFor(text: string, withinMs = 8_000): Promise<string> {
    const endsAt = performance.now() + withinMs;
    for (;;) {
      for (const line of this.#lines.slice(this.#read)) {
        this.#read += 1;
        if (line.includes(text)) return line;
      }
      const leftMs = endsAt - performance.now();
      if (leftMs <= 0 || this.#process.exitCode !== null) {
        throw new Error(
          `no line with ${JSON.stringify(text)} among ${JSON.stringify(this.#lines)}`,
        );
      }
      await this.#nextLine(leftMs);
    }
  }

  /** Sends a command and waits for the line that answers it. */
  ask(command: string): Promise<string> {
    this.#read = this.#lines.length;
    this.#process.stdin?.write(`${command}\n`);
    return this.waitFor("");
  }

  end(signal: NodeJS.Signals): Promise<void> {
    return end(this.#process, signal);
  }

  #nextLine(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, withinMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
