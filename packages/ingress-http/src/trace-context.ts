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
    const baggage = readBaggage(request.headers);
    if (baggage?.problem !== undefined) return invalidBaggage(baggage.problem);
    const trace = clientTrace(request.headers) ?? newTraceContext(random);
    return withTrace(await next({ ...request, trace }), trace, baggage?.text);
  };
}

function clientTrace(headers: HeaderList): TraceContext | undefined {
  const traceparent = headerValue(headers, "traceparent");
  if (traceparent === undefined || parseTraceparent(traceparent) === undefined) return undefined;
  return { traceparent, tracestate: headerValue(headers, "tracestate") ?? "" };
}

/** The baggage of a request, all lines joined, and what is wrong with it. */
export function readBaggage(
  headers: HeaderList,
): { readonly text: string; readonly problem: string | undefined } | undefined {
  let text: string | undefined;
  for (let index = 0; index < headers.length; index += 2) {
    if (headers[index]?.toLowerCase() !== "baggage") continue;
    const line = headers[index + 1] as string;
    text = text === undefined ? line : `${text},${line}`;
  }
  return text === undefined ? undefined : { text, problem: isValidBaggage(text) };
}

/** Answer to a request whose baggage cannot be read. */
export function invalidBaggage(problem: string): HttpResponse {
  return plainText(400, `invalid baggage header: ${problem}`);
}

/** The answer with what its client learns about the trace. */
export function withTrace(
  response: HttpResponse,
  trace: TraceContext,
  baggage: string | undefined,
): HttpResponse {
  const headers = [...response.headers];
  // An app that answers with a context of its own has the last word.
  if (headerValue(headers, "traceparent") === undefined) {
    headers.push("Traceparent", trace.traceparent);
    const { tracestate } = trace;
    if (tracestate !== "" && tracestate.length <= maxTracestate) {
      headers.push("Tracestate", tracestate);
    }
  }
  if (baggage !== undefined) headers.push("Baggage", baggage);
  return { ...response, headers };
}

/** Longer ones are for the app alone (Dapr `pkg/diagnostics/http_tracing.go`). */
const maxTracestate = 512;
