import {
  bytesToText,
  errorText,
  type HttpRequest,
  type HttpResponse,
  type Span,
  type Tracer,
} from "@outrigger/core";
import { httpReasonPhrase, httpTrace, recordHttpHeaders } from "@outrigger/protocol";
import { unescapeBytes } from "./escapes.ts";
import type { HttpMiddleware } from "./http-middleware.ts";
import { invalidBaggage, readBaggage, withTrace } from "./trace-context.ts";

/**
 * Gives every request a span, as Dapr does (`pkg/diagnostics/http_tracing.go`). The span ends when the
 * head of the answer is known; its body may still be under way.
 */
export function traceSpans(tracer: Tracer): HttpMiddleware {
  return (next) => async (request) => {
    if (request.path.includes("/healthz")) return next(request);
    const baggage = readBaggage(request.headers);
    if (baggage?.problem !== undefined) return invalidBaggage(baggage.problem);
    const trace = tracer.begin("client", request.path, httpTrace(request.headers));
    const { span } = trace;
    try {
      const response = await next({ ...request, trace });
      if (span !== undefined) endSpan(span, request, response);
      return withTrace(response, trace, baggage?.text);
    } catch (reason) {
      span?.end(errorText(reason));
      throw reason;
    }
  };
}

function endSpan(span: Span, request: HttpRequest, { status }: HttpResponse): void {
  const { method, query, remoteAddress, remotePort } = request;
  const path = bytesToText(unescapeBytes(request.path));
  if (span.name === request.path) span.name = path;
  recordHttpHeaders(span, request.headers);
  span.set("dapr.protocol", "http");
  span.set("dapr.api", `${method} ${path}`);
  span.set("dapr.status_code", String(status));
  span.set("http.request.method", method);
  span.set("url.full", query === "" ? request.path : `${request.path}?${query}`);
  if (remoteAddress !== undefined) span.set("server.address", withoutMapping(remoteAddress));
  if (remotePort !== undefined) span.set("server.port", String(remotePort));
  span.end(status < 400 ? undefined : `Code(${status}): ${httpReasonPhrase(status) || "Unknown"}`);
}

/** A dual-stack socket writes IPv4 addresses in IPv6 form. */
function withoutMapping(address: string): string {
  return address.startsWith("::ffff:") ? address.slice(7) : address;
}
