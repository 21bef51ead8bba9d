import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
import type { TLSSocket } from "node:tls";
import { abortError, type BodyStream, type HeaderList, isBuffered } from "@outrigger/core";
import { AnswerBody } from "./answer-body.ts";
import type { EngineAnswer, EngineRequest } from "./engine-answer.ts";
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

/** Sends one request over HTTP/2. @throws Node's errors, and those of the body. */
export function exchangeHttp2(
  session: ClientHttp2Session,
  request: EngineRequest,
): Promise<EngineAnswer> {
  const { head, body, signal, onClose } = request;
  return new Promise((resolve, reject) => {
    if (signal.aborted) throw abortError(signal);
    const endStream = isBuffered(body) && body.length === 0;
    const stream = session.request(headersOf(head), { endStream });
    const answer = new AnswerBody(
      {
        resume: () => stream.resume(),
        cancel: (reason) => stream.destroy(reason),
      },
      onClose,
    );
    const fail = (reason: Error): void => {
      reject(reason);
      answer.end(reason);
    };
    const onAbort = (): void => {
      const reason = abortError(signal);
      fail(reason);
      stream.destroy(reason);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    stream.once("response", (headers, _flags, rawHeaders?: string[]) => {
      const status = headers[":status"] ?? 0;
      const list: HeaderList = rawHeaders ?? [];
      answer.settle().then((settled) => resolve({ status, headers: list, body: settled }), reject);
    });
    stream.on("data", (chunk: Buffer) => {
      if (!answer.push(chunk)) stream.pause();
    });
    stream.once("end", () => {
      if (stream.aborted || isReset(stream)) fail(brokenOff());
      else answer.end();
    });
    stream.on("error", fail);
    stream.once("close", () => {
      signal.removeEventListener("abort", onAbort);
      if (!stream.readableEnded) fail(brokenOff());
    });
    if (isBuffered(body)) {
      if (!endStream) stream.end(body);
    } else {
      upload(stream, head, body).catch((reason: Error) => {
        fail(reason);
        stream.destroy(reason);
      });
    }
  });
}

/** A server that has answered may reset the rest of an upload without an error (RFC 9113 section 8.1). */
function isReset({ rstCode }: ClientHttp2Stream): boolean {
  return rstCode !== undefined && rstCode !== 0;
}

function brokenOff(): Error {
  return Object.assign(new Error("the server broke off"), { code: "UND_ERR_SOCKET" });
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

/** Writes a streamed body at the pace of the server. */
async function upload(
  stream: ClientHttp2Stream,
  { contentLength }: RequestHead,
  body: BodyStream,
): Promise<void> {
  let sent = 0;
  for await (const chunk of body) {
    sent += chunk.length;
    if (contentLength !== undefined && sent > contentLength) break;
    if (stream.destroyed || stream.writableEnded) return;
    if (!stream.write(chunk)) await drained(stream);
  }
  if (contentLength !== undefined && sent !== contentLength) {
    throw new Error(`http: ContentLength=${contentLength} with Body length ${sent}`);
  }
  stream.end();
}

function drained(stream: ClientHttp2Stream): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      stream.off("drain", done);
      stream.off("close", done);
      resolve();
    };
    stream.on("drain", done);
    stream.on("close", done);
    if (stream.destroyed) done();
  });
}
