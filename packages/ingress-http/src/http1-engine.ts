import { createServer, type IncomingMessage, type Server, ServerResponse } from "node:http";
import type { Http2Server } from "node:http2";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import {
  type Body,
  type BodyStream,
  type HttpHandler,
  type HttpRequest,
  type HttpResponse,
  isBuffered,
} from "@outrigger/core";
import { httpReasonPhrase } from "@outrigger/protocol";
import { isWellEscaped } from "./escapes.ts";
import { UpgradableRequest, upgradeToHttp2 } from "./h2c-upgrade.ts";
import { PipelineGuard } from "./pipeline-guard.ts";
import { type BodyLimits, isLateBody, releaseBody, takeBody } from "./request-body.ts";
import { framingRefusal } from "./request-framing.ts";
import { originForm, takeReplacedLine } from "./request-line.ts";

/** What an engine needs. */
export interface EngineParts extends BodyLimits {
  readonly handler: HttpHandler;
  readonly maxHeaderBytes: number;
  readonly headersTimeoutMs: number;
  readonly idleTimeoutMs: number;
  /** An answer broke off in the middle. */
  readonly onBroken: (reason: unknown) => void;
  /** A request that reached the handler is over. */
  readonly onEnded: () => void;
}

/** Serves one request and tells when it is over. */
export async function serve(
  parts: EngineParts,
  request: HttpRequest,
  write: (response: HttpResponse) => Promise<void> | void,
): Promise<void> {
  try {
    await write(await parts.handler(request));
  } finally {
    releaseBody(request.body);
    parts.onEnded();
  }
}

/** Go's server takes this much above the configured limit before it answers 431. */
const headerSlackBytes = 4_096;

/** The seam to node:http: our own shapes on one side, its objects on the other, nowhere else. */
export function createHttp1Server(parts: EngineParts, http2?: Http2Server): Server {
  const server = createServer({
    ...(http2 === undefined ? {} : { IncomingMessage: UpgradableRequest }),
    maxHeaderSize: parts.maxHeaderBytes + headerSlackBytes,
    headersTimeout: parts.headersTimeoutMs,
    // Long uploads and quiet connections are legal; only the head has a deadline.
    requestTimeout: 0,
    keepAliveTimeout: parts.idleTimeoutMs,
    // `framingRefusal` does this, and serves nothing that follows.
    requireHostHeader: false,
    connectionsCheckingInterval: Math.min(parts.headersTimeoutMs, 1_000),
  });
  // The size of heads is bounded; a bound on their number would drop headers without a word.
  server.maxHeadersCount = 0;
  const guard = new PipelineGuard();
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const { socket } = request;
    if (!guard.enter(socket, response)) return;
    response.once("close", () => guard.leave(socket, response));
    void exchange(parts, guard, request, response);
  };
  server.on("request", onRequest);
  server.on("checkExpectation", onRequest);
  server.on("connect", (request: IncomingMessage, socket: Duplex) => {
    serveConnect(request, socket, onRequest);
  });
  if (http2 !== undefined) {
    server.on("upgrade", (request: IncomingMessage, socket: Socket, first: Buffer) => {
      // Only a client that pipelines can come here while an answer is on its way.
      if (guard.isServing(socket)) socket.destroy();
      else upgradeToHttp2(http2, request, socket, first, parts.headersTimeoutMs);
    });
  }
  server.on("clientError", (reason: NodeJS.ErrnoException, socket: Duplex) => {
    // A refusal that is on its way ends the connection itself.
    if (!guard.isAnswering(socket)) refuse(reason, socket);
    else if (!guard.isRefused(socket)) socket.destroy();
  });
  // It is fed with sockets and never listens itself: this starts its track of connections, on which
  // the deadline of heads and the closing of idle ones depend.
  server.emit("listening");
  return server;
}

/** Node gives CONNECT a bare socket; for us it is a request like any other. */
function serveConnect(
  request: IncomingMessage,
  socket: Duplex,
  onRequest: (request: IncomingMessage, response: ServerResponse) => void,
): void {
  socket.on("error", () => undefined);
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket as Socket);
  response.once("finish", () => socket.end());
  onRequest(request, response);
}

const refusals: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: "431 Request Header Fields Too Large",
  HPE_INVALID_TRANSFER_ENCODING: "501 Not Implemented",
  ERR_HTTP_REQUEST_TIMEOUT: "408 Request Timeout",
};

function refuse(reason: NodeJS.ErrnoException, socket: Duplex): void {
  if (reason.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = refusals[reason.code ?? ""] ?? "400 Bad Request";
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n${status}`,
  );
}

async function exchange(
  parts: EngineParts,
  guard: PipelineGuard,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  outgoing.once("close", () => {
    if (!outgoing.writableFinished) gone.abort();
  });
  try {
    const head = framingRefusal(incoming) ?? readHead(incoming);
    if (typeof head === "number") {
      guard.refuse(incoming.socket);
      refuseRequest(outgoing, head);
      return;
    }
    const taken = takeBody(incoming, head.bodyLength, parts);
    const body = isBuffered(taken as Body) ? (taken as Uint8Array) : await taken;
    const request = { ...head, body, signal: gone.signal };
    await serve(parts, request, (response) => write(outgoing, incoming, response));
  } catch (reason) {
    if (isLateBody(reason) && !outgoing.headersSent) {
      guard.refuse(incoming.socket);
      refuseRequest(outgoing, 408);
      return;
    }
    if (!gone.signal.aborted) parts.onBroken(reason);
    // A body that stopped halfway must not look like a whole one.
    outgoing.destroy();
  }
}

function readHead(incoming: IncomingMessage): Omit<HttpRequest, "body" | "signal"> | 400 {
  const replaced = takeReplacedLine(incoming.socket);
  const target = originForm(replaced?.target ?? incoming.url ?? "/");
  const question = target.indexOf("?");
  const path = question < 0 ? target : target.slice(0, question);
  if (!isWellEscaped(path) || /[\x00-\x20\x7f]/.test(target)) return 400;
  return {
    method: replaced?.method ?? incoming.method ?? "GET",
    path,
    query: question < 0 ? "" : target.slice(question + 1),
    headers: incoming.rawHeaders,
    bodyLength: declaredLength(incoming),
    remoteAddress: incoming.socket.remoteAddress,
    remotePort: incoming.socket.remotePort,
  };
}

function declaredLength(incoming: IncomingMessage): number | undefined {
  const { headers } = incoming;
  if (headers["transfer-encoding"] !== undefined) return undefined;
  return Number(headers["content-length"] ?? 0);
}

function refuseRequest(outgoing: ServerResponse, status: 400 | 408 | 501): void {
  const text = `${status} ${httpReasonPhrase(status)}`;
  outgoing.writeHead(status, { "Content-Type": "text/plain; charset=utf-8", Connection: "close" });
  outgoing.end(text);
}

function write(
  outgoing: ServerResponse,
  incoming: IncomingMessage,
  response: HttpResponse,
): Promise<void> | void {
  const { status, body } = response;
  // Clients shall see no hop-by-hop header that nobody asked for; the connection persists all the same.
  outgoing.removeHeader("connection");
  const reason = httpReasonPhrase(status) || `status code ${status}`;
  const headers = [...response.headers];
  if (!isBuffered(body)) {
    writeHead(outgoing, status, reason, headers);
    outgoing.flushHeaders();
    return pump(outgoing, body);
  }
  const hasBody = status >= 200 && status !== 204 && status !== 304 && incoming.method !== "HEAD";
  if (hasBody) headers.push("Content-Length", `${body.length}`);
  writeHead(outgoing, status, reason, headers);
  outgoing.end(hasBody ? body : undefined);
}

/** As in Go, line breaks and other bytes that no header may have become spaces. */
function writeHead(
  outgoing: ServerResponse,
  status: number,
  reason: string,
  headers: string[],
): void {
  try {
    outgoing.writeHead(status, reason, headers);
  } catch {
    const clean = headers.map((text) => text.replace(/[^\t\x20-\x7e\x80-\xff]/g, " "));
    outgoing.writeHead(status, reason, clean);
  }
}

/** Each chunk goes out at once; a slow client holds the producer back. */
async function pump(outgoing: ServerResponse, body: BodyStream): Promise<void> {
  const chunks = body[Symbol.asyncIterator]();
  for (;;) {
    const { done, value } = await chunks.next();
    if (outgoing.destroyed) {
      await chunks.return?.();
      return;
    }
    if (done) break;
    if (!outgoing.write(value)) await drained(outgoing);
  }
  outgoing.end();
}

function drained(outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      outgoing.off("drain", done);
      outgoing.off("close", done);
      resolve();
    };
    outgoing.on("drain", done);
    outgoing.on("close", done);
  });
}
