import { Agent, type ClientRequest, request as openRequest } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { ConcurrencyLimit } from "@outrigger/core";
import { brokenOff, type EngineAnswer, type EngineRequest } from "./engine-answer.ts";
import { exchangeHttp1 } from "./http1.ts";
import { isRepeatable } from "./repeatable.ts";
import type { RequestHead } from "./request-head.ts";

/** What a pool of HTTP/1.1 connections works with. */
export interface Http1Parts {
  readonly maxConnections: number;
  readonly idleTimeoutMs: number;
  readonly maxResponseHeaderBytes: number;
  /** Begins a connection. */
  readonly connect: () => Socket;
}

/** Connections that stay open for the next call. */
const maxIdleConnections = 64;

/** Kept connections that one request tries, as each may have been closed just then. */
const maxAttempts = 3;

/** The HTTP/1.1 connections to one server, plain or TLS. */
export class Http1Pool {
  readonly #parts: Http1Parts;
  readonly #agent: PoolAgent;
  /** Requests wait here and not in the agent, whose queue keeps those that were given up. */
  readonly #connections: ConcurrencyLimit;
  #running = 0;
  #isDestroyed = false;
  #tellIdle: () => void = () => undefined;

  constructor(parts: Http1Parts) {
    this.#parts = parts;
    this.#agent = new PoolAgent(parts);
    this.#connections = new ConcurrencyLimit(parts.maxConnections);
  }

  /** Sends one request. @throws Node's errors, and those of the body. */
  async exchange(request: EngineRequest): Promise<EngineAnswer> {
    for (let attempt = 1; ; attempt++) {
      const release = await this.#connections.acquire(request.signal);
      if (this.#isDestroyed) {
        release();
        throw brokenOff();
      }
      const outgoing = this.#open(request.head, release);
      const sent = new SentRequest(outgoing);
      try {
        return await exchangeHttp1(outgoing, request);
      } catch (reason) {
        outgoing.destroy();
        if (attempt < maxAttempts && sent.isStale(reason) && isRepeatable(request)) continue;
        throw reason;
      }
    }
  }

  /** Running exchanges may finish; resolves when they have. */
  async retire(): Promise<void> {
    this.#agent.retire();
    if (this.#running === 0) return;
    await new Promise<void>((resolve) => {
      this.#tellIdle = resolve;
    });
  }

  /** Cuts everything off. */
  destroy(): void {
    this.#isDestroyed = true;
    this.#agent.destroy();
  }

  #open(head: RequestHead, release: () => void): ClientRequest {
    const outgoing = openRequest({
      method: head.method,
      path: head.path,
      agent: this.#agent,
      setHost: false,
      maxHeaderSize: this.#parts.maxResponseHeaderBytes,
    });
    // From the first moment: an error event that nobody hears would end the process.
    outgoing.on("error", () => undefined);
    this.#running += 1;
    outgoing.once("close", () => {
      this.#running -= 1;
      release();
      if (this.#running === 0) this.#tellIdle();
    });
    return outgoing;
  }
}

/** Whether a connection was dead before the server saw the request. */
class SentRequest {
  readonly #outgoing: ClientRequest;
  #socket: Socket | undefined;
  #bytesRead = 0;

  constructor(outgoing: ClientRequest) {
    this.#outgoing = outgoing;
    outgoing.once("socket", (socket) => {
      this.#socket = socket;
      this.#bytesRead = socket.bytesRead;
    });
  }

  isStale(reason: unknown): boolean {
    const { code } = reason as { code?: string };
    if (code !== "ECONNRESET" && code !== "EPIPE") return false;
    return this.#outgoing.reusedSocket && this.#socket?.bytesRead === this.#bytesRead;
  }
}

class PoolAgent extends Agent {
  readonly #connect: () => Socket;
  #isRetired = false;

  constructor({ maxConnections, idleTimeoutMs, connect }: Http1Parts) {
    super({
      keepAlive: true,
      maxSockets: maxConnections,
      maxFreeSockets: Math.min(maxConnections, maxIdleConnections),
      timeout: idleTimeoutMs,
    });
    this.#connect = connect;
  }

  override createConnection(): Socket {
    return this.#connect();
  }

  override keepSocketAlive(socket: Duplex): boolean {
    // Node's types say nothing of the result, which tells whether the server's hint allows reuse.
    const allowed: unknown = super.keepSocketAlive(socket);
    return !this.#isRetired && allowed !== false;
  }

  /** Closes what is idle, and the rest after its last use. */
  retire(): void {
    this.#isRetired = true;
    for (const sockets of Object.values(this.freeSockets)) {
      for (const socket of sockets ?? []) socket.destroy();
    }
  }
}
