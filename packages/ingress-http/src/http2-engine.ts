import {
  constants,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import { type Body, type HttpRequest, type HttpResponse, isBuffered } from "@outrigger/core";
import { isWellEscaped } from "./escapes.ts";
import { type EngineParts, serve } from "./http1-engine.ts";
import { maxResetsPerSecond, watchSession } from "./http2-sessions.ts";
import { takeBody } from "./request-body.ts";

const endStreamFlag = 1;

/** As in Go's server. Node has no bound. */
const maxConcurrentStreams = 250;

/** Cleartext HTTP/2 with prior knowledge, into the same shapes as HTTP/1.1. */
export function createHttp2Server(parts: EngineParts): Http2Server {
  const server = createServer({
    settings: { maxHeaderListSize: parts.maxHeaderBytes + 4_096, maxConcurrentStreams },
    // nghttp2's own guard allows 33 resets a second; it stays as the second line of defence.
    streamResetBurst: maxResetsPerSecond * 2,
    streamResetRate: maxResetsPerSecond,
  });
  server.on("session", (session) => watchSession(session, parts.idleTimeoutMs));
  server.on(
    "stream",
    (
      stream: ServerHttp2Stream,
      headers: IncomingHttpHeaders,
      flags: number,
      rawHeaders: readonly string[],
    ) => {
      void exchange(parts, stream, headers, (flags & endStreamFlag) !== 0, rawHeaders);
    },
  );
  server.on("sessionError", () => undefined);
  return server;
}

async function exchange(
  parts: EngineParts,
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  ended: boolean,
  rawHeaders: readonly string[],
): Promise<void> {
  const gone = new AbortController();
  stream.on("error", () => undefined);
  stream.once("close", () => {
    // A stream that its client reset counts as finished, too.
    if (!stream.writableFinished || stream.rstCode !== constants.NGHTTP2_NO_ERROR) gone.abort();
  });
  try {
    const head = readHead(headers, ended, rawHeaders);
    if (head === undefined) {
      stream.respond({ ":status": 400 }, { endStream: true });
      return;
    }
    const client = clientOf(stream);
    const taken = takeBody(stream, head.bodyLength, parts);
    const body = isBuffered(taken as Body) ? (taken as Uint8Array) : await taken;
    const request = { ...head, body, signal: gone.signal, ...client };
    await serve(parts, request, (response) => write(stream, head.method, response));
  } catch (reason) {
    if (!gone.signal.aborted) parts.onBroken(reason);
    stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  }
}

/** The socket of a session that has ended throws when it is touched. */
function clientOf({
  session,
}: ServerHttp2Stream): Pick<HttpRequest, "remoteAddress" | "remotePort"> | undefined {
  if (session === undefined || session.destroyed) return undefined;
  const { remoteAddress, remotePort } = session.socket;
  return { remoteAddress, remotePort };
}

function readHead(
  headers: IncomingHttpHeaders,
  ended: boolean,
  rawHeaders: readonly string[],
): Omit<HttpRequest, "body" | "signal"> | undefined {
  const target = headers[":path"] ?? "/";
  const question = target.indexOf("?");
  const path = question < 0 ? target : target.slice(0, question);
  if (!isWellEscaped(path)) return undefined;
  const length = headers["content-length"];
  const declared = length === undefined ? undefined : Number(length);
  return {
    method: headers[":method"] ?? "GET",
    path,
    query: question < 0 ? "" : target.slice(question + 1),
    headers: plainHeaders(rawHeaders),
    bodyLength: ended ? 0 : declared,
  };
}

/** Without pseudo-headers, and with the crumbs of a cookie in one line (RFC 9113 section 8.2.3). */
function plainHeaders(rawHeaders: readonly string[]): readonly string[] {
  const headers: string[] = [];
  let cookieAt = -1;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    const value = rawHeaders[index + 1] as string;
    if (name.startsWith(":")) continue;
    if (name === "cookie" && cookieAt >= 0) {
      headers[cookieAt] += `; ${value}`;
      continue;
    }
    if (name === "cookie") cookieAt = headers.length + 1;
    headers.push(name, value);
  }
  return headers;
}

/** Headers that HTTP/2 forbids (RFC 9113 section 8.2.2). */
const forbidden = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);

async function write(
  stream: ServerHttp2Stream,
  method: string,
  { status, headers, body }: HttpResponse,
): Promise<void> {
  if (stream.destroyed) return;
  const outgoing: OutgoingHttpHeaders = { ":status": status === 101 ? 200 : status };
  for (let index = 0; index < headers.length; index += 2) {
    const name = (headers[index] as string).toLowerCase();
    if (forbidden.has(name)) continue;
    const value = headers[index + 1] as string;
    const before = outgoing[name];
    outgoing[name] =
      before === undefined ? value : [...(Array.isArray(before) ? before : [`${before}`]), value];
  }
  if (isBuffered(body)) {
    const empty = body.length === 0 || method === "HEAD" || status === 204 || status === 304;
    respond(stream, outgoing, empty);
    if (!empty) stream.end(body);
    return;
  }
  // node:http2 ends a stream before it resets it, and the client would take the part for the whole.
  // Waiting for trailers leaves the end to us.
  let isWhole = false;
  stream.once("wantTrailers", () => {
    if (isWhole) stream.sendTrailers({});
  });
  respond(stream, outgoing, false, true);
  for await (const chunk of body) {
    if (stream.destroyed) return;
    if (!stream.write(chunk)) await drained(stream);
  }
  isWhole = true;
  stream.end();
}

/** Node refuses repeated headers that have one value by definition, and bytes that no header may have. */
function respond(
  stream: ServerHttp2Stream,
  headers: OutgoingHttpHeaders,
  endStream: boolean,
  waitForTrailers = false,
): void {
  try {
    stream.respond(headers, { endStream, waitForTrailers });
  } catch (reason) {
    if (stream.headersSent) throw reason;
    const clean: OutgoingHttpHeaders = {};
    for (const [name, value] of Object.entries(headers)) {
      const kept = Array.isArray(value) && name !== "set-cookie" ? value[0] : value;
      if (Array.isArray(kept)) clean[name] = kept.map(printable);
      else clean[name] = typeof kept === "string" ? printable(kept) : kept;
    }
    stream.respond(clean, { endStream, waitForTrailers });
  }
}

/** As in Go, line breaks and other bytes that no header may have become spaces. */
function printable(text: string): string {
  return text.replace(/[^\t\x20-\x7e\x80-\xff]/g, " ");
}

function drained(stream: ServerHttp2Stream): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off("drain", done);
      stream.off("close", done);
      resolve();
    };
    stream.on("drain", done);
    stream.on("close", done);
  });
}
