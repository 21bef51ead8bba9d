import { errorText, type Logger, OutriggerError } from "@outrigger/core";
import { type ConsulAgent, failure, isUnknown } from "./consul-agent.ts";
import { pause } from "./pause.ts";
import type { Registration } from "./registration.ts";

/** A sign of life that failed is repeated after this time at the latest. */
const retryMs = 1_000;

/** What a {@link Registrar} works with. Times in milliseconds. */
export interface RegistrarSettings {
  readonly agent: () => ConsulAgent;
  readonly log: Logger;
  /** Pause between two signs of life. */
  readonly beatMs: number;
  readonly requestTimeoutMs: number;
  readonly deregisters: boolean;
}

interface Kept {
  readonly registration: Registration;
  readonly end: AbortController;
  beating: Promise<void> | undefined;
}

/** Keeps registrations in the agent, also over its restarts, until they are taken back. */
export class Registrar {
  readonly #settings: RegistrarSettings;
  readonly #kept = new Map<string, Kept>();

  constructor(settings: RegistrarSettings) {
    this.#settings = settings;
  }

  /** @throws OutriggerError when it is registered already, or the agent refuses or is away. */
  async add(registration: Registration, signal: AbortSignal): Promise<void> {
    const { id } = registration;
    if (this.#kept.has(id)) {
      throw new OutriggerError(`resolver-consul: service ${id} is already registered`, {
        code: "OTR_OPTIONS_INVALID",
        details: { id },
      });
    }
    const kept: Kept = { registration, end: new AbortController(), beating: undefined };
    this.#kept.set(id, kept);
    try {
      await this.#register(registration, AbortSignal.any([signal, kept.end.signal]));
    } catch (reason) {
      this.#kept.delete(id);
      signal.throwIfAborted();
      throw failure("failed to register consul service", reason);
    }
    this.#settings.log.log("info", `service:${id} registered on consul agent`);
    kept.beating = this.#beat(kept);
  }

  /** Ends the signs of life, and takes back what is registered. @throws OutriggerError */
  async removeAll(): Promise<void> {
    const all = [...this.#kept.values()];
    this.#kept.clear();
    const results = await Promise.allSettled(all.map((kept) => this.#remove(kept)));
    const failed = results.find((result) => result.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }

  async #remove({ registration, end, beating }: Kept): Promise<void> {
    end.abort();
    await beating;
    if (!this.#settings.deregisters) return;
    const { id } = registration;
    try {
      await this.#settings.agent().deregister(id, this.#timeout());
    } catch (reason) {
      if (!isUnknown(reason)) throw failure("failed to deregister consul service", reason);
    }
    this.#settings.log.log("info", `service:${id} deregistered from consul agent`);
  }

  async #beat({ registration, end }: Kept): Promise<void> {
    const { beatMs, log } = this.#settings;
    let away = false;
    while (!end.signal.aborted) {
      await pause(away ? Math.min(retryMs, beatMs) : beatMs, end.signal);
      if (end.signal.aborted) return;
      try {
        await this.#showLife(registration, end.signal);
        if (away) log.log("info", `consul agent is back; service:${registration.id} is registered`);
        away = false;
      } catch (reason) {
        if (end.signal.aborted) return;
        if (!away) {
          log.log(
            "warn",
            `consul agent does not take the sign of life of service:${registration.id}, trying again: ${errorText(reason)}`,
          );
        }
        away = true;
      }
    }
  }

  /** An agent that was restarted without its data knows nothing of us: then everything again. */
  async #showLife(registration: Registration, end: AbortSignal): Promise<void> {
    const { agent, log } = this.#settings;
    const signal = AbortSignal.any([end, this.#timeout()]);
    const { id, ttlCheckId } = registration;
    try {
      if (ttlCheckId !== undefined) await agent().pass(ttlCheckId, signal);
      else {
        const path = `/v1/agent/service/${encodeURIComponent(id)}`;
        await agent().get(path, { parameters: {} }, signal);
      }
    } catch (reason) {
      if (!isUnknown(reason)) throw reason;
      await this.#register(registration, end);
      log.log("warn", `consul agent had lost service:${id}; registered it again`);
    }
  }

  async #register({ payload }: Registration, signal: AbortSignal): Promise<void> {
    const limited = AbortSignal.any([signal, this.#timeout()]);
    await this.#settings.agent().register(payload, limited);
  }

  #timeout(): AbortSignal {
    return AbortSignal.timeout(this.#settings.requestTimeoutMs);
  }
}
