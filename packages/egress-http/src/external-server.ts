import type { SecureContext } from "node:tls";
import {
  abortError,
  type ConcurrencyLimit,
  headerValue,
  type InvokeRequest,
  type InvokeResponse,
  isOutriggerError,
  OutriggerError,
} from "@outrigger/core";
import { appResponseHeaders } from "@outrigger/protocol";
import type { BaseUrl } from "./base-url.ts";
import type { EngineAnswer } from "./engine-answer.ts";
import { externalFailure } from "./failure.ts";
import type { EgressSettings } from "./options.ts";
import { type FixedHeaders, requestHead } from "./request-head.ts";
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

  /**
   * Delivers a call.
   * @param base where to: one server may have several base URLs.
   * @throws OutriggerError.
   */
  async deliver(
    call: InvokeRequest,
    base: BaseUrl,
    fixed: FixedHeaders,
    limit: ConcurrencyLimit,
  ): Promise<InvokeResponse> {
    const { traceContext } = this.#parts.settings;
    const head = requestHead(call, base, fixed, traceContext);
    const onClose = await limit.acquire(call.signal);
    try {
      const connections = await this.#open();
      const { body, signal } = call;
      return toInvokeResponse(await connections.exchange({ head, body, signal, onClose }));
    } catch (reason) {
      onClose();
      if (isOutriggerError(reason)) throw reason;
      if (call.signal.aborted) throw abortError(call.signal);
      if (this.#closed) throw stopped();
      throw externalFailure(reason, head, base);
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
    await connections?.destroy();
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

function toInvokeResponse({ status, headers, body }: EngineAnswer): InvokeResponse {
  return {
    status: { code: status, message: "", details: [] },
    headers: appResponseHeaders(headers),
    trailers: [],
    contentType: headerValue(headers, "content-type") ?? "",
    typeUrl: "",
    body,
  };
}
