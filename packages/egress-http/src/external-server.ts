import type { SecureContext } from "node:tls";
import { abortError, OutriggerError } from "@outrigger/core";
import type { BaseUrl } from "./base-url.ts";
import type { EngineAnswer, EngineRequest } from "./engine-answer.ts";
import type { EgressSettings } from "./options.ts";
import type { ServerConnections } from "./server-connections.ts";

/** What one server's connections are made from. */
export interface ServerParts {
  readonly base: BaseUrl;
  readonly secureContext: SecureContext | undefined;
  readonly settings: EgressSettings;
}

/** A server whose connections are made at the first call: engines cost memory that few sidecars need. */
export class ExternalServer {
  readonly #parts: ServerParts;
  #connections: Promise<ServerConnections> | undefined;
  #closed = false;

  constructor(parts: ServerParts) {
    this.#parts = parts;
  }

  /** Sends one request. @throws OutriggerError when the caller or the sidecar is gone; engines' errors. */
  async exchange(request: EngineRequest): Promise<EngineAnswer> {
    try {
      const connections = await this.#open();
      return await connections.exchange(request);
    } catch (reason) {
      if (request.signal.aborted) throw abortError(request.signal);
      throw this.#closed ? stopped() : reason;
    }
  }

  /** Running calls may finish; the connections go with them. */
  async retire(): Promise<void> {
    const connections = await this.#connections;
    await connections?.retire();
  }

  /** Cuts everything off. */
  async close(): Promise<void> {
    this.#closed = true;
    const connections = await this.#connections;
    connections?.destroy();
  }

  #open(): Promise<ServerConnections> {
    if (this.#closed) throw stopped();
    this.#connections ??= this.#make();
    return this.#connections;
  }

  async #make(): Promise<ServerConnections> {
    const { base, secureContext, settings } = this.#parts;
    const { ServerConnections } = await import("./server-connections.ts");
    return new ServerConnections(base, secureContext, settings);
  }
}

function stopped(): OutriggerError {
  return new OutriggerError("the sidecar has stopped", { code: "OTR_STOPPED" });
}
