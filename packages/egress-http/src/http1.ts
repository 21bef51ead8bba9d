import type { ClientRequest, IncomingMessage } from "node:http";
import { abortError, type Body, emptyBody, isBuffered, writeBody } from "@outrigger/core";
import { AnswerBody } from "./answer-body.ts";
import { brokenOff, type EngineAnswer, type EngineRequest } from "./engine-answer.ts";
import type { RequestHead } from "./request-head.ts";

/** Sends one request over HTTP/1.1. @throws Node's errors, and those of the body. */
export function exchangeHttp1(
  outgoing: ClientRequest,
  { head, body, signal }: EngineRequest,
): Promise<EngineAnswer> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) throw abortError(signal);
    let received: Received | undefined;
    const onAbort = (): void => {
      const reason = abortError(signal);
      reject(reason);
      received?.answer.end(reason);
      outgoing.destroy();
    };
    signal.addEventListener("abort", onAbort, { once: true });
    // An answer that has begun tells by itself how it ends.
    outgoing.on("error", reject);
    outgoing.once("close", () => {
      signal.removeEventListener("abort", onAbort);
      if (received === undefined) reject(brokenOff());
    });
    outgoing.once("response", (incoming) => {
      received = { incoming, answer: answerOf(outgoing, incoming) };
      const { ended } = received.answer;
      received.answer
        .settle()
        .then((settled) => resolve(toAnswer(incoming, settled, ended)), reject);
    });
    outgoing.once("upgrade", (incoming, socket) => {
      // The server switched protocols: nobody speaks the other one, so only the head is answered.
      socket.destroy();
      resolve(toAnswer(incoming, emptyBody, Promise.resolve()));
    });
    setHeaders(outgoing, head);
    if (isBuffered(body)) outgoing.end(body.length === 0 ? undefined : body);
    else {
      flushSoon(outgoing);
      writeBody(outgoing, head.contentLength, body).catch((reason: Error) => {
        reject(reason);
        // What has arrived as a whole stays one; half of an answer must not pass for a whole one.
        if (received?.incoming.complete !== true) received?.answer.end(reason);
        outgoing.destroy();
      });
    }
  });
}

/** A server may answer, or refuse, before the first part of a stream is there. */
function flushSoon(outgoing: ClientRequest): void {
  setImmediate(() => {
    if (!outgoing.headersSent && !outgoing.destroyed) outgoing.flushHeaders();
  });
}

interface Received {
  readonly incoming: IncomingMessage;
  readonly answer: AnswerBody;
}

function setHeaders(outgoing: ClientRequest, { headers, contentLength }: RequestHead): void {
  for (let index = 0; index < headers.length; index += 2) {
    // Repeated names are rare: appendHeader keeps all of their values, in order.
    outgoing.appendHeader(headers[index] as string, headers[index + 1] as string);
  }
  // Dapr sends no hop-by-hop header of its own; the connection is kept all the same.
  outgoing.removeHeader("connection");
  if (contentLength === undefined) outgoing.setHeader("Transfer-Encoding", "chunked");
  else if (contentLength > 0) outgoing.setHeader("Content-Length", contentLength);
}

function answerOf(outgoing: ClientRequest, incoming: IncomingMessage): AnswerBody {
  const answer = new AnswerBody({
    resume: () => incoming.resume(),
    cancel: () => outgoing.destroy(),
  });
  incoming.on("data", (chunk: Buffer) => {
    if (!answer.push(chunk)) incoming.pause();
  });
  incoming.once("end", () => {
    answer.end();
    // Nobody wants the rest of an upload that is answered already.
    if (!outgoing.writableEnded) outgoing.destroy();
  });
  incoming.on("error", (reason: Error) => answer.end(reason));
  incoming.once("close", () => answer.end(brokenOff()));
  return answer;
}

function toAnswer(incoming: IncomingMessage, body: Body, ended: Promise<void>): EngineAnswer {
  return { status: incoming.statusCode ?? 0, headers: incoming.rawHeaders, body, ended };
}
