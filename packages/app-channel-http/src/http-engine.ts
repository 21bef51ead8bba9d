import { type Agent, type ClientRequest, type IncomingMessage, request } from "node:http";
import { Agent as SecureAgent, request as secureRequest } from "node:https";
import { type Body, isBuffered, writeBody } from "@outrigger/core";
import type { Engine, EngineResponse } from "./engine.ts";
import { Http1Answer } from "./http1-answer.ts";
import type { ChannelSettings } from "./options.ts";
import { PlainAgent } from "./plain-agent.ts";
import type { RequestHead } from "./request-head.ts";
import { responseBody } from "./response-body.ts";

/** Connections that stay open for the next call. */
const maxIdleConnections = 64;

/** Requests over HTTP/1.1, plain or TLS. */
export class HttpEngine implements Engine {
  readonly #settings: ChannelSettings;
  readonly #agent: Agent | SecureAgent;
  readonly #send: typeof request;

  constructor(settings: ChannelSettings) {
    this.#settings = settings;
    const pool = {
      keepAlive: true,
      maxSockets: settings.maxConnections,
      maxFreeSockets: maxIdleConnections,
      timeout: settings.idleTimeoutMs,
    };
    this.#send = settings.protocol === "https" ? secureRequest : request;
    this.#agent =
      settings.protocol === "https"
        ? new SecureAgent({ ...pool, rejectUnauthorized: false, minVersion: "TLSv1.2" })
        : new PlainAgent(pool);
  }

  async exchange(
    head: RequestHead,
    body: Body,
    signal: AbortSignal,
    onClose: () => void,
  ): Promise<EngineResponse> {
    for (let attempt = 0; ; attempt++) {
      let outgoing: ClientRequest | undefined;
      try {
        outgoing = this.#open(head);
        const incoming = await deliver(outgoing, head, body, signal);
        incoming.once("close", onClose);
        const received = await responseBody(new Http1Answer(incoming), signal);
        return { status: incoming.statusCode ?? 0, headers: incoming.rawHeaders, body: received };
      } catch (reason) {
        outgoing?.destroy();
        // A kept connection may have been closed by the app just as it was used again.
        if (attempt === 0 && outgoing?.reusedSocket && isRepeatable(head, body, reason)) continue;
        onClose();
        throw reason;
      }
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  #open(head: RequestHead): ClientRequest {
    const { host, port, maxResponseHeaderBytes, dialTimeoutMs } = this.#settings;
    const outgoing = this.#send({
      host,
      port,
      method: head.method,
      path: head.path,
      agent: this.#agent,
      maxHeaderSize: maxResponseHeaderBytes,
    });
    // From the first moment: an error event that nobody hears would end the process.
    outgoing.on("error", () => undefined);
    boundDial(outgoing, dialTimeoutMs, this.#settings.protocol === "https");
    try {
      setHeaders(outgoing, head);
    } catch (reason) {
      // A header that HTTP cannot carry; the agent has begun to connect.
      outgoing.destroy();
      throw reason;
    }
    return outgoing;
  }
}

function setHeaders(outgoing: ClientRequest, head: RequestHead): void {
  const { headers, contentLength } = head;
  for (let index = 0; index < headers.length; index += 2) {
    // Repeated names are rare: appendHeader keeps all of their values, in order.
    outgoing.appendHeader(headers[index] as string, headers[index + 1] as string);
  }
  // The app shall see no hop-by-hop header of ours; the connection is kept all the same.
  outgoing.removeHeader("connection");
  if (contentLength === undefined) outgoing.setHeader("Transfer-Encoding", "chunked");
  else if (contentLength > 0) outgoing.setHeader("Content-Length", contentLength);
}

/** Bounds the connection, with its handshake where there is one. */
function boundDial(outgoing: ClientRequest, dialTimeoutMs: number, isSecure: boolean): void {
  outgoing.once("socket", (socket) => {
    if (!socket.connecting) return;
    const timer = setTimeout(() => {
      outgoing.destroy(Object.assign(new Error("dial timeout"), { code: "ETIMEDOUT" }));
    }, dialTimeoutMs);
    const clear = (): void => clearTimeout(timer);
    socket.once(isSecure ? "secureConnect" : "connect", clear);
    socket.once("close", clear);
  });
}

function deliver(
  outgoing: ClientRequest,
  head: RequestHead,
  body: Body,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      outgoing.destroy();
      reject(signal.reason);
    };
    if (signal.aborted) {
      onAbort();
      return;
    }
    signal.addEventListener("abort", onAbort, { once: true });
    outgoing.once("close", () => signal.removeEventListener("abort", onAbort));
    outgoing.on("error", reject);
    let answer: IncomingMessage | undefined;
    outgoing.once("response", (response) => {
      answer = response;
      response.once("end", () => stopUpload(outgoing));
      resolve(response);
    });
    outgoing.once("upgrade", (response, socket) => {
      // The app switched protocols: nobody speaks the other one, so only the head is answered.
      socket.destroy();
      response.push(null);
      resolve(response);
    });
    if (isBuffered(body)) outgoing.end(body.length === 0 ? undefined : body);
    else {
      flushSoon(outgoing);
      writeBody(outgoing, head.contentLength, body).catch((reason: unknown) => {
        reject(reason);
        breakOff(outgoing, answer, reason);
      });
    }
  });
}

/** An app may answer, or refuse, before the first part of a stream is there. */
function flushSoon(outgoing: ClientRequest): void {
  setImmediate(() => {
    if (!outgoing.headersSent && !outgoing.destroyed) outgoing.flushHeaders();
  });
}

/** Nobody reads the rest of a request that is answered; its connection is of no use to another one. */
function stopUpload(outgoing: ClientRequest): void {
  setImmediate(() => {
    if (!outgoing.writableEnded) outgoing.destroy();
  });
}

/**
 * Ends a request whose upload broke, so that the app does not wait for the rest. An answer that has
 * arrived stays readable; one that was under way fails, as half of it must not pass for a whole one.
 */
function breakOff(
  outgoing: ClientRequest,
  answer: IncomingMessage | undefined,
  reason: unknown,
): void {
  if (answer === undefined) outgoing.destroy();
  else if (answer.complete) outgoing.socket?.destroy();
  else answer.destroy(reason instanceof Error ? reason : new Error(String(reason)));
}

const safeMethods: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]);

/** Only what is safe to do twice is sent again (RFC 9110 section 9.2.2; Go's transport agrees). */
function isRepeatable(head: RequestHead, body: Body, reason: unknown): boolean {
  const { code } = reason as { code?: string };
  return (
    isBuffered(body) && safeMethods.has(head.method) && (code === "ECONNRESET" || code === "EPIPE")
  );
}
