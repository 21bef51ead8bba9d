import {
  bytesToText,
  type HeaderList,
  headerValue,
  type Span,
  type SpanKind,
} from "@outrigger/core";

/** Never recorded: a token that reached the app's sidecar without one would leak into every backend. */
const secret = "dapr-api-token";

/** Records the `dapr-` headers of an HTTP request, the last value of each, as Dapr does. */
export function recordHttpHeaders(span: Span, headers: HeaderList): void {
  for (let index = 0; index < headers.length; index += 2) {
    const name = (headers[index] as string).toLowerCase();
    if (!name.startsWith("dapr-") || name === secret) continue;
    // It names the target, and is no part of the request that goes on.
    if (name !== "dapr-app-id") span.set(name, bytesToText(headers[index + 1] as string));
  }
}

/** Records the `dapr-` metadata of an RPC, the first value of each and no binary ones, as Dapr does. */
export function recordGrpcMetadata(span: Span, headers: HeaderList): void {
  const seen = new Set<string>();
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index] as string;
    if (!name.startsWith("dapr-") || name === secret || name.endsWith("-bin")) continue;
    if (seen.has(name)) continue;
    seen.add(name);
    span.set(name, bytesToText(headers[index + 1] as string));
  }
}

/** Kind of the span of a proxied call: the sidecar of the app that it is for serves it. */
export function proxiedSpanKind(headers: HeaderList, appId: string): SpanKind {
  const target = headerValue(headers, "dapr-callee-app-id") ?? headerValue(headers, "dapr-app-id");
  return target === appId ? "server" : "client";
}
