import { OutriggerError } from "./errors.ts";
import type { HealthView } from "./ingress.ts";

/** Keeps count of what a sidecar still waits for. */
export class Readiness implements HealthView {
  readonly #holds = new Set<string>(["runtime"]);
  readonly #checks: () => readonly string[];
  readonly #ready: Promise<void>;
  #markReady: () => void = () => undefined;
  #outboundReady = false;

  /** @param checks names what is unready at this moment, beside the holds. */
  constructor(checks: () => readonly string[]) {
    this.#checks = checks;
    this.#ready = new Promise((resolve) => {
      this.#markReady = resolve;
    });
  }

  unready(): readonly string[] {
    return [...this.#holds, ...this.#checks()];
  }

  outboundReady(): boolean {
    return this.#outboundReady;
  }

  /** Makes the sidecar unready under a name. */
  hold(name: string): void {
    this.#holds.add(name);
  }

  markOutboundReady(): void {
    this.#outboundReady = true;
  }

  /** The runtime has started and the app accepts connections. */
  markReady(): void {
    this.#holds.delete("runtime");
    this.#markReady();
  }

  /** Resolves once the runtime was ready; rejects with `OTR_STOPPED` when the signal aborts before. */
  async whenReady(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const onAbort = (): void => reject(stoppedError());
      if (signal.aborted) onAbort();
      signal.addEventListener("abort", onAbort, { once: true });
      void this.#ready.then(() => {
        signal.removeEventListener("abort", onAbort);
        resolve();
      });
    });
  }
}

/** The end came before the sidecar was ready. */
export function stoppedError(): OutriggerError {
  return new OutriggerError("the runtime stopped before it was ready", { code: "OTR_STOPPED" });
}
