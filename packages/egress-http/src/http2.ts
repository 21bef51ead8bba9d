import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from "node:http2";
import type { TLSSocket } from "node:tls";
import { abortError, type HeaderList, isBuffered, writeBody } from "@outrigger/core";
import { AnswerBody } from "./answer-body.ts";
import { brokenOff, type EngineAnswer, type EngineRequest } from "./engine-answer.ts";
import type { RequestHead } from "./request-head.ts";

/** Turns a connection on which the server chose `h2` into a session. */
export function http2Session(
  socket: TLSSocket,
  origin: string,
  limits: { readonly idleTimeoutMs: number; readonly maxResponseHeaderBytes: number },
): ClientHttp2Session {
  const session = connect(origin, {
    createConnection: () => socket,
    settings: { enablePush: false, maxHeaderListSize: limits.maxResponseHeaderBytes },
  });
  // Streams tell what is wrong; an error that nobody hears would end the process.
  session.on("error", () => undefined);
  // Running exchanges may finish, new ones get a new session.
  session.setTimeout(limits.idleTimeoutMs, () => session.close());
  return session;
}

/**
 * Sends one request over HTTP/2.
 * @param onHead called when the server answers: from then on the request must not be sent again.
 * @throws Node's errors, and those of the body.
 */
export function exchangeHttp2(
  session: ClientHttp2Session,
  request: EngineRequest,
  onHead: () => void,
): Promise<EngineAnswer> {
  const { head, body, signal } = request;
  return new Promise((resolve, reject) => {
    if (signal.aborted) throw abortError(signal);
    const endStream = isBuffered(body) && body.length === 0;
    const stream = session.request(headersOf(head), { endStream });
    const answer = new AnswerBody({
      resume: () => stream.resume(),
      cancel: (reason) => resetSoon(stream, reason),
    });
    const fail = (reason: Error): void => {
      reject(reason);
      answer.end(reason);
    };
    const onAbort = (): void => {
      const reason = abortError(signal);
      fail(reason);
      resetSoon(stream, reason);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    stream.once("response", (headers, _flags, rawHeaders?: string[]) => {
      onHead();
      const status = headers[":status"] ?? 0;
      const list: HeaderList = rawHeaders ?? [];
      const { ended } = answer;
      answer
        .settle()
        .then((settled) => resolve({ status, headers: list, body: settled, ended }), reject);
    });
    stream.on("data", (chunk: Buffer) => {
      if (!answer.push(chunk)) stream.pause();
    });
    stream.once("end", () => {
      if (stream.aborted || isReset(stream)) fail(brokenOff());
      else answer.end();
      // Nobody wants the rest of an upload that is answered already (RFC 9113 section 8.1).
      if (!stream.writableEnded) resetSoon(stream);
    });
    stream.on("error", fail);
    stream.once("close", () => {
      signal.removeEventListener("abort", onAbort);
      if (!stream.readableEnded) fail(brokenOff());
    });
    if (isBuffered(body)) {
      if (!endStream) stream.end(body);
    } else {
      writeBody(stream, head.contentLength, body).catch((reason: Error) => {
        fail(reason);
        resetSoon(stream, reason);
      });
    }
  });
}

/**
 * Not now: a stream that is reset in the middle of what node:http2 has read can be forgotten before it
 * has sent its last bytes, and the session then sends empty DATA frames without end.
 */
function resetSoon(stream: ClientHttp2Stream, reason?: Error): void {
  setImmediate(() => {
    if (stream.destroyed) return;
    stream.close(constants.NGHTTP2_CANCEL);
    if (reason !== undefined) stream.destroy(reason);
  });
}

/** A server that has answered may reset the rest of an upload without an error (RFC 9113 section 8.1). */
function isReset({ rstCode }: ClientHttp2Stream): boolean {
  return rstCode !== undefined && rstCode !== 0;
}

function headersOf({
  method,
  path,
  headers,
  contentLength,
}: RequestHead): Record<string, string | string[]> {
  const result: Record<string, string | string[]> = { ":method": method, ":path": path };
  for (let index = 0; index < headers.length; index += 2) {
    const lower = (headers[index] as string).toLowerCase();
    const name = lower === "host" ? ":authority" : lower;
    const value = headers[index + 1] as string;
    const known = result[name];
    if (known === undefined) result[name] = value;
    else result[name] = [known, value].flat();
  }
  if (contentLength !== undefined && contentLength > 0) {
    result["content-length"] = `${contentLength}`;
  }
  return result;
}
