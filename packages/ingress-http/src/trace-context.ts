import {
  type ComponentContext,
  type HeaderList,
  type HttpResponse,
  headerValue,
  type TraceContext,
} from "@outrigger/core";
import { isValidBaggage, newTraceContext, parseTraceparent } from "@outrigger/protocol";
import { plainText } from "./answers.ts";
import type { HttpMiddleware } from "./http-middleware.ts";

/**
 * Trace context without a tracer: a valid one of the client passes on as it is; without one the
 * request gets ids of its own, not sampled, so that app and client can always correlate. Dapr sends
 * zeros there, which W3C Trace Context section 3.2.2.3 forbids.
 */
export function traceContext({ random }: Pick<ComponentContext, "random">): HttpMiddleware {
  return (next) => async (request) => {
    if (request.path.includes("/healthz")) return next(request);
    const baggage = joinedBaggage(request.headers);
    const wrong = baggage === undefined ? undefined : isValidBaggage(baggage);
    if (wrong !== undefined) return plainText(400, `invalid baggage header: ${wrong}`);
    const trace = clientTrace(request.headers) ?? newTraceContext(random);
    return withTrace(await next({ ...request, trace }), trace, baggage);
  };
}

function clientTrace(headers: HeaderList): TraceContext | undefined {
  const traceparent = headerValue(headers, "traceparent");
  if (traceparent === undefined || parseTraceparent(traceparent) === undefined) return undefined;
  return { traceparent, tracestate: headerValue(headers, "tracestate") ?? "" };
}

function joinedBaggage(headers: HeaderList): string | undefined {
  const lines: string[] = [];
  for (let index = 0; index < headers.length; index += 2) {
    if (headers[index]?.toLowerCase() === "baggage") lines.push(headers[index + 1] as string);
  }
  return lines.length === 0 ? undefined : lines.join(",");
}

function withTrace(
  response: HttpResponse,
  trace: TraceContext,
  baggage: string | undefined,
): HttpResponse {
  const headers = [...response.headers];
  // An app that answers with a context of its own has the last word.
  if (headerValue(headers, "traceparent") === undefined) {
    headers.push("Traceparent", trace.traceparent);
    if (trace.tracestate !== "") headers.push("Tracestate", trace.tracestate);
  }
  if (baggage !== undefined) headers.push("Baggage", baggage);
  return { ...response, headers };
}
