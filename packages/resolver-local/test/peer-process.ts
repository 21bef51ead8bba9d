import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Instance } from "@outrigger/core";

const script = join(import.meta.dirname, "peer.ts");

/** A process of its own that announces one instance in the registry. */
export class PeerProcess {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /**
   * Resolves when the instance is announced.
   * @param wrapper a command that starts another one, for example `unshare --net`.
   */
  static async start(
    folder: string,
    instance: Instance,
    wrapper: readonly string[] = [],
  ): Promise<PeerProcess> {
    const node = [process.execPath, "--conditions=@outrigger/source", "--no-warnings", script];
    const [command = "", ...argv] = [...wrapper, ...node, folder, JSON.stringify(instance)];
    const child = spawn(command, argv, { stdio: ["pipe", "pipe", "inherit"] });
    const peer = new PeerProcess(child);
    const [first] = await Promise.race([
      once(child.stdout, "data"),
      once(child, "exit").then(([code]) => [`exit ${String(code)}`]),
    ]);
    if (String(first).trim() !== "announced") throw new Error(`peer: ${String(first)}`);
    return peer;
  }

  /** Ends it as a signal would: it takes its announcement back. */
  async stop(): Promise<void> {
    await this.#end(() => this.#child.stdin?.end());
  }

  async crash(): Promise<void> {
    await this.#end(() => this.#child.kill("SIGKILL"));
  }

  async #end(how: () => unknown): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    how();
    await ended;
  }
}
