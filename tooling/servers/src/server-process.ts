import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

const keptLogBytes = 8_192;
const stopLimitMs = 5_000;
const pollMs = 25;

/** A server that runs as a process of its own, with the end of what it printed. */
export class ServerProcess {
  readonly name: string;
  readonly #child: ChildProcess;
  #log = "";

  constructor(binary: string, parameters: readonly string[], env: NodeJS.ProcessEnv = {}) {
    this.name = binary.split(/[\\/]/).at(-1) ?? binary;
    this.#child = spawn(binary, parameters, {
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const keep = (bytes: Buffer): void => {
      this.#log = (this.#log + bytes.toString("utf8")).slice(-keptLogBytes);
    };
    this.#child.stdout?.on("data", keep);
    this.#child.stderr?.on("data", keep);
    this.#child.once("error", (error) => keep(Buffer.from(error.message)));
  }

  /** Waits until a probe succeeds. Rejects, with what was printed, when the server ends or is late. */
  async ready(probe: () => Promise<unknown>, limitMs: number): Promise<void> {
    const endsAt = Date.now() + limitMs;
    for (;;) {
      try {
        await probe();
        return;
      } catch (cause) {
        const late = Date.now() > endsAt;
        if (late || !this.#runs()) {
          const what = late ? `was not ready within ${limitMs} ms` : "ended";
          throw new Error(`${this.name} ${what}: ${cause}\n${this.#log}`, { cause });
        }
      }
      await sleep(pollMs);
    }
  }

  /** Asks the server to end, and ends it when it does not. */
  async stop(): Promise<void> {
    if (!this.#runs()) return;
    const closed = once(this.#child, "close");
    this.#child.kill("SIGTERM");
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), stopLimitMs);
    await closed;
    clearTimeout(timer);
  }

  #runs(): boolean {
    const { exitCode, signalCode, pid } = this.#child;
    return pid !== undefined && exitCode === null && signalCode === null;
  }
}
