import type { Body, HeaderList, HttpPipeline, HttpRequest } from "@outrigger/core";
import type { Engine, EngineResponse } from "./engine.ts";
import type { RequestHead } from "./request-head.ts";

/** One request to the app. */
export interface AppRequest {
  readonly head: RequestHead;
  readonly body: Body;
  readonly signal: AbortSignal;
  /** Called at least once, when nothing of the exchange is left. */
  readonly onClose: () => void;
}

/** Sends a request through handlers, which may change it or answer in the app's place. */
export async function exchangeThrough(
  pipeline: HttpPipeline,
  engine: Engine,
  { head, body, signal, onClose }: AppRequest,
): Promise<EngineResponse> {
  let reachedApp = false;
  const response = await pipeline.run(toHttpRequest(head, body, signal), (passed) => {
    reachedApp = true;
    return engine.exchange(toHead(passed, head), passed.body, signal, onClose);
  });
  if (!reachedApp) onClose();
  return response;
}

function toHttpRequest(head: RequestHead, body: Body, signal: AbortSignal): HttpRequest {
  const question = head.path.indexOf("?");
  return {
    method: head.method,
    path: question < 0 ? head.path : head.path.slice(0, question),
    query: question < 0 ? "" : head.path.slice(question + 1),
    headers: head.headers,
    body,
    bodyLength: head.contentLength,
    signal,
  };
}

function toHead(request: HttpRequest, received: RequestHead): RequestHead {
  const { method, path, query, headers, bodyLength } = request;
  const target = query === "" ? path : `${path}?${query}`;
  const url = target === received.path ? received.url : `${new URL(received.url).origin}${target}`;
  return {
    method,
    path: target.startsWith("/") ? target : `/${target}`,
    headers: headers === received.headers ? headers : withoutFraming(headers),
    url,
    contentLength: bodyLength,
  };
}

const framing: ReadonlySet<string> = new Set(["content-length", "transfer-encoding", "connection"]);

/** How a body is sent follows from its length alone. */
function withoutFraming(headers: HeaderList): HeaderList {
  const kept: string[] = [];
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] as string;
    if (!framing.has(name.toLowerCase())) kept.push(name, headers[index + 1] as string);
  }
  return kept;
}
