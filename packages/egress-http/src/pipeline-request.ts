import type { HeaderList, HttpRequest, InvokeRequest } from "@outrigger/core";
import type { BaseUrl } from "./base-url.ts";
import type { RequestHead } from "./request-head.ts";

/** A request as handlers see it. */
export function toHttpRequest(
  head: RequestHead,
  { body, signal }: Pick<InvokeRequest, "body" | "signal">,
): HttpRequest {
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

/** What handlers made of a request; the server stays the same. */
export function toHead(request: HttpRequest, sent: RequestHead, base: BaseUrl): RequestHead {
  const { method, path, query, headers, bodyLength } = request;
  const slashed = path.startsWith("/") ? path : `/${path}`;
  const target = query === "" ? slashed : `${slashed}?${query}`;
  return {
    method,
    path: target,
    headers: headers === sent.headers ? headers : withoutFraming(headers),
    url: target === sent.path ? sent.url : `${base.scheme}://${base.authority}${target}`,
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
