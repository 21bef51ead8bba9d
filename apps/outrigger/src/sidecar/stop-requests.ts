import type { Logger } from "@outrigger/core";

/** Why the sidecar shall end its present life. */
export type StopReason = "signal" | "api" | "force" | "restart";

const signalWords: Readonly<Partial<Record<NodeJS.Signals, string>>> = {
  SIGINT: "interrupt",
  SIGTERM: "terminated",
  SIGHUP: "hangup",
};

/** Collects the ways in which a sidecar is asked to end: signals and the shutdown API. */
export class StopRequests {
  readonly #log: Logger;
  readonly #handlers: readonly [NodeJS.Signals, () => void][];
  #pending: StopReason | undefined;
  readonly #later = new Set<(reason: StopReason) => void>();
  #wake: ((reason: StopReason) => void) | undefined;
  #ending = false;

  constructor(log: Logger) {
    this.#log = log;
    this.#handlers = (["SIGINT", "SIGTERM", "SIGHUP"] as const).map((name) => {
      const handler = (): void => this.#onSignal(name);
      process.on(name, handler);
      return [name, handler];
    });
  }

  /** Resolves with the first request; at once when one came before. */
  next(): Promise<StopReason> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      if (this.#pending !== undefined) this.request(this.#pending);
    });
  }

  /** True when a request waits to be taken. */
  get pending(): boolean {
    return this.#pending !== undefined;
  }

  /**
   * Calls back on each request that comes while an earlier one is carried out. Returns the
   * unsubscribe function.
   */
  onLater(listener: (reason: StopReason) => void): () => void {
    this.#later.add(listener);
    return () => this.#later.delete(listener);
  }

  request(reason: StopReason): void {
    if (this.#wake === undefined) {
      // A shutdown outranks a restart that waits, a forced one all: neither must be lost.
      const waits = this.#pending;
      if (waits === undefined || waits === "restart" || reason === "force") this.#pending = reason;
      for (const listener of this.#later) listener(reason);
      return;
    }
    this.#ending = reason !== "restart";
    this.#pending = undefined;
    this.#wake(reason);
    this.#wake = undefined;
  }

  /** Does what a hangup signal does; unlike one it works on every system. */
  hangUp(): void {
    this.#onSignal("SIGHUP");
  }

  close(): void {
    for (const [name, handler] of this.#handlers) process.off(name, handler);
  }

  #onSignal(name: NodeJS.Signals): void {
    const word = signalWords[name] ?? name;
    if (name === "SIGHUP") {
      if (this.#ending) return;
      this.#log.log("info", `Received signal '${word}'; restarting`);
      this.request("restart");
      return;
    }
    if (this.#ending || this.#pending === "signal") {
      this.#log.log("fatal", `Received signal '${word}' during shutdown; exiting immediately`);
      process.exit(1);
    }
    this.#log.log("info", `Received signal '${word}'; beginning shutdown`);
    this.request("signal");
  }
}
