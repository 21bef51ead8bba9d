import {
  type Body,
  type ConcurrencyLimit,
  type HttpPipeline,
  type HttpResponse,
  headerValue,
  type InvokeRequest,
  type InvokeResponse,
  isOutriggerError,
} from "@outrigger/core";
import { appResponseHeaders } from "@outrigger/protocol";
import type { BaseUrl } from "./base-url.ts";
import type { EngineAnswer } from "./engine-answer.ts";
import type { ExternalServer } from "./external-server.ts";
import { externalFailure, failed } from "./failure.ts";
import { toHead, toHttpRequest } from "./pipeline-request.ts";
import { discard, type Hop, maxRequests, redirectBody, redirectOf } from "./redirect.ts";
import { type FixedHeaders, requestHead } from "./request-head.ts";

/** What the calls of one endpoint, or of one URL, have in common. */
export interface Route {
  readonly base: BaseUrl;
  readonly fixed: FixedHeaders;
  readonly limit: ConcurrencyLimit;
  readonly traceContext: boolean;
  readonly pipeline: HttpPipeline | undefined;
  readonly followsRedirects: boolean;
  serverOf(base: BaseUrl): ExternalServer;
}

/**
 * Delivers a call. Its place in the limit is free again when the answer has ended.
 * @throws OutriggerError.
 */
export async function deliver(call: InvokeRequest, route: Route): Promise<InvokeResponse> {
  const { base, fixed, limit, traceContext } = route;
  const head = requestHead(call, base, fixed, traceContext);
  const release = await limit.acquire(call.signal);
  try {
    const { pipeline } = route;
    const hop = { base, head, hasLeft: false };
    if (pipeline === undefined || pipeline.isEmpty) {
      return toInvokeResponse(await send(call, hop, route, release));
    }
    let reachedServer = false;
    const response = await pipeline.run(toHttpRequest(head, call), (passed) => {
      reachedServer = true;
      const changed = { ...hop, head: toHead(passed, head, base) };
      return send({ body: passed.body, signal: call.signal }, changed, route, release);
    });
    if (!reachedServer) release();
    return toInvokeResponse(response);
  } catch (reason) {
    release();
    throw reason;
  }
}

async function send(
  call: Pick<InvokeRequest, "body" | "signal">,
  hop: Hop,
  route: Route,
  release: () => void,
): Promise<EngineAnswer> {
  const answer = await follow(call, hop, route);
  void answer.ended.then(release);
  return answer;
}

async function follow(
  call: Pick<InvokeRequest, "body" | "signal">,
  first: Hop,
  route: Route,
): Promise<EngineAnswer> {
  const origin = { first, fixed: route.fixed };
  let hop = first;
  let body = call.body;
  for (let count = 1; ; count++) {
    const answer = await exchange(call.signal, hop, body, origin.first, route);
    if (!route.followsRedirects) return answer;
    const next = redirectOf(answer, hop, origin);
    if (next === undefined) return answer;
    discard(answer);
    if (count === maxRequests) {
      const request = { method: first.head.method, url: hop.head.url };
      throw failed(request, `stopped after ${maxRequests} redirects`);
    }
    hop = next;
    body = redirectBody;
  }
}

async function exchange(
  signal: AbortSignal,
  { base, head }: Hop,
  body: Body,
  first: Hop,
  route: Route,
): Promise<EngineAnswer> {
  try {
    return await route.serverOf(base).exchange({ head, body, signal });
  } catch (reason) {
    if (isOutriggerError(reason)) throw reason;
    throw externalFailure(reason, { method: first.head.method, url: head.url }, base);
  }
}

function toInvokeResponse({ status, headers, body }: HttpResponse): InvokeResponse {
  return {
    status: { code: status, message: "", details: [] },
    headers: appResponseHeaders(headers),
    trailers: [],
    contentType: headerValue(headers, "content-type") ?? "",
    typeUrl: "",
    body,
  };
}
