import type { ClientHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import type { SecureContext, TLSSocket } from "node:tls";
import { abortError } from "@outrigger/core";
import type { BaseUrl } from "./base-url.ts";
import { connected, openSocket } from "./dial.ts";
import type { EngineAnswer, EngineRequest } from "./engine-answer.ts";
import { Http1Pool } from "./http1-pool.ts";
import { exchangeHttp2, http2Session } from "./http2.ts";
import type { EgressSettings } from "./options.ts";
import { isRepeatable } from "./repeatable.ts";

/**
 * The connections to one server: a pool for HTTP/1.1, or one HTTP/2 session where a server behind
 * TLS chooses it. The engines are behind this file; nothing outside knows them.
 */
export class ServerConnections {
  readonly #base: BaseUrl;
  readonly #secureContext: SecureContext | undefined;
  readonly #settings: EgressSettings;
  readonly #pool: Http1Pool;
  readonly #life = new AbortController();
  #session: ClientHttp2Session | undefined;
  #dialing: Promise<ClientHttp2Session | undefined> | undefined;
  /** Opened to learn the protocol, and not used so far. */
  #spare: Socket | undefined;
  #isHttp1: boolean;

  constructor(base: BaseUrl, secureContext: SecureContext | undefined, settings: EgressSettings) {
    this.#base = base;
    this.#secureContext = secureContext;
    this.#settings = settings;
    this.#isHttp1 = base.scheme === "http";
    this.#pool = new Http1Pool({ ...settings, connect: () => this.#connect() });
  }

  /** Sends one request. @throws errors of the engines, and those of the body. */
  async exchange(request: EngineRequest): Promise<EngineAnswer> {
    for (;;) {
      if (this.#isHttp1) return this.#pool.exchange(request);
      const known = this.#session;
      const session = await this.#negotiate(request.signal);
      if (session === undefined) continue;
      let isAnswered = false;
      try {
        return await exchangeHttp2(session, request, () => {
          isAnswered = true;
        });
      } catch (reason) {
        // A kept session may have been closed by the server just as it was used again.
        const isStale = session === known && !isAnswered && isReset(reason);
        if (!isStale || !isRepeatable(request)) throw reason;
        if (this.#session === session) this.#session = undefined;
      }
    }
  }

  /** The session, or `undefined` when the server speaks HTTP/1.1. */
  async #negotiate(signal: AbortSignal): Promise<ClientHttp2Session | undefined> {
    const session = this.#session;
    if (session !== undefined && !session.closed && !session.destroyed) return session;
    this.#dialing ??= this.#open().finally(() => {
      this.#dialing = undefined;
    });
    return abortable(this.#dialing, signal);
  }

  async #open(): Promise<ClientHttp2Session | undefined> {
    const socket = openSocket(this.#dialParts(), ["h2", "http/1.1"]);
    await connected(socket, this.#base, this.#life.signal);
    if ("alpnProtocol" in socket && socket.alpnProtocol === "h2") {
      this.#session = http2Session(socket as TLSSocket, this.#base.origin, this.#settings);
      return this.#session;
    }
    this.#isHttp1 = true;
    this.#spare = socket;
    socket.setTimeout(this.#settings.idleTimeoutMs, () => socket.destroy());
    return undefined;
  }

  #connect(): Socket {
    const spare = this.#spare;
    this.#spare = undefined;
    if (spare === undefined || spare.destroyed || !spare.writable) {
      return openSocket(this.#dialParts(), ["http/1.1"]);
    }
    spare.setTimeout(0);
    spare.removeAllListeners("timeout");
    return spare;
  }

  #dialParts(): Parameters<typeof openSocket>[0] {
    return {
      base: this.#base,
      secureContext: this.#secureContext,
      timeoutMs: this.#settings.connectTimeoutMs,
    };
  }

  /** Running exchanges may finish; new ones find no kept connection. */
  async retire(): Promise<void> {
    this.#session?.close();
    this.#spare?.destroy();
    await this.#pool.retire();
  }

  /** Cuts everything off. */
  destroy(): void {
    this.#life.abort();
    this.#session?.destroy();
    this.#spare?.destroy();
    this.#pool.destroy();
  }
}

const resets: ReadonlySet<string> = new Set([
  "ECONNRESET",
  "EPIPE",
  "ERR_HTTP2_GOAWAY_SESSION",
  "ERR_HTTP2_INVALID_SESSION",
  "ERR_HTTP2_SESSION_ERROR",
]);

function isReset(reason: unknown): boolean {
  return resets.has((reason as { code?: string }).code ?? "");
}

function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(abortError(signal));
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
