import type { ClientHttp2Session } from "node:http2";
import type { Socket } from "node:net";
import type { SecureContext, TLSSocket } from "node:tls";
import { abortError, isBuffered } from "@outrigger/core";
import type { Pool } from "undici";
import type { BaseUrl } from "./base-url.ts";
import { dial } from "./dial.ts";
import type { EngineAnswer, EngineRequest } from "./engine-answer.ts";
import { exchangeHttp1, http1Pool } from "./http1.ts";
import { exchangeHttp2, http2Session } from "./http2.ts";
import type { EgressSettings } from "./options.ts";

/**
 * The connections to one server: a pool for HTTP/1.1, or one HTTP/2 session where a server behind
 * TLS chooses it. The engines are behind this file; nothing outside knows them.
 */
export class ServerConnections {
  readonly #base: BaseUrl;
  readonly #secureContext: SecureContext | undefined;
  readonly #settings: EgressSettings;
  readonly #pool: Pool;
  readonly #life = new AbortController();
  #session: ClientHttp2Session | undefined;
  #dialing: Promise<ClientHttp2Session | undefined> | undefined;
  /** Opened to learn the protocol, and not used so far. */
  #spare: Socket | undefined;
  #isHttp1: boolean;
  #opened = 0;

  constructor(base: BaseUrl, secureContext: SecureContext | undefined, settings: EgressSettings) {
    this.#base = base;
    this.#secureContext = secureContext;
    this.#settings = settings;
    this.#isHttp1 = base.scheme === "http";
    this.#pool = http1Pool({
      ...settings,
      base,
      connect: (_options, callback) => {
        this.#connect().then(
          (socket) => callback(null, socket),
          (reason: Error) => callback(reason, null),
        );
      },
    });
  }

  /** Sends one request. @throws errors of the engines, and those of the body. */
  async exchange(request: EngineRequest): Promise<EngineAnswer> {
    for (let attempt = 0; ; attempt++) {
      const opened = this.#opened;
      try {
        return await this.#attempt(request);
      } catch (reason) {
        // A kept connection may have been closed by the server just as it was used again.
        const reused = attempt === 0 && this.#opened === opened && isReset(reason);
        if (reused && isRepeatable(request) && !request.signal.aborted) continue;
        request.onClose();
        throw reason;
      }
    }
  }

  /** The caller hears of the end when it has the answer, not when an attempt fails. */
  async #attempt(request: EngineRequest): Promise<EngineAnswer> {
    let answered = false;
    let closed = false;
    const onClose = (): void => {
      closed = true;
      if (answered) request.onClose();
    };
    const answer = await this.#send({ ...request, onClose });
    answered = true;
    if (closed) request.onClose();
    return answer;
  }

  async #send(request: EngineRequest): Promise<EngineAnswer> {
    if (!this.#isHttp1) {
      const session = await this.#negotiate(request.signal);
      if (session !== undefined) return exchangeHttp2(session, request);
    }
    return exchangeHttp1(this.#pool, request);
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
    const socket = await this.#dial(["h2", "http/1.1"]);
    if ("alpnProtocol" in socket && socket.alpnProtocol === "h2") {
      this.#session = http2Session(socket as TLSSocket, this.#base.origin, this.#settings);
      return this.#session;
    }
    this.#isHttp1 = true;
    this.#spare = socket;
    socket.setTimeout(this.#settings.idleTimeoutMs, () => socket.destroy());
    return undefined;
  }

  async #connect(): Promise<Socket> {
    const spare = this.#spare;
    this.#spare = undefined;
    if (spare === undefined || spare.destroyed) return this.#dial(["http/1.1"]);
    spare.setTimeout(0);
    spare.removeAllListeners("timeout");
    return spare;
  }

  async #dial(protocols: string[]): Promise<Socket> {
    const dialing = {
      base: this.#base,
      secureContext: this.#secureContext,
      timeoutMs: this.#settings.connectTimeoutMs,
    };
    const socket = await dial(dialing, protocols, this.#life.signal);
    this.#opened += 1;
    return socket;
  }

  /** Running exchanges may finish; new ones are refused. */
  async retire(): Promise<void> {
    this.#session?.close();
    this.#spare?.destroy();
    await this.#pool.close();
    this.#life.abort();
  }

  /** Cuts everything off. */
  async destroy(): Promise<void> {
    this.#life.abort();
    this.#session?.destroy();
    this.#spare?.destroy();
    await this.#pool.destroy();
  }
}

const safeMethods: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);

/** Only what is safe to do twice is sent again (RFC 9110 section 9.2.2; Go's transport agrees). */
function isRepeatable({ head, body }: EngineRequest): boolean {
  return isBuffered(body) && safeMethods.has(head.method);
}

const resets: ReadonlySet<string> = new Set([
  "UND_ERR_SOCKET",
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
