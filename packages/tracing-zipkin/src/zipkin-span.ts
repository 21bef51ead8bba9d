import { type SpanRecord, scopeName, type TraceResource } from "@outrigger/tracing";

/** A span in Zipkin's v2 JSON. */
export interface ZipkinSpan {
  readonly traceId: string;
  readonly parentId?: string;
  readonly id: string;
  readonly kind: "CLIENT" | "SERVER";
  readonly name: string;
  /** Microseconds since the epoch. */
  readonly timestamp: number;
  /** Microseconds, 1 or more. */
  readonly duration: number;
  readonly localEndpoint: { readonly serviceName: string };
  readonly remoteEndpoint?: { readonly serviceName: string };
  readonly tags: Readonly<Record<string, string>>;
}

/** First of these that a client's span has names its peer, as in OpenTelemetry's exporter for Go. */
const peerKeys: readonly string[] = ["peer.service", "server.address", "net.peer.name"];

/** Writes a span as Dapr's exporter does. Zipkin itself keeps names in lower case. */
export function toZipkinSpan(span: SpanRecord, resource: TraceResource): ZipkinSpan {
  const { parentSpanId, attributes, error } = span;
  const isClient = span.kind === "client";
  const peerKey = isClient ? peerKeys.find((key) => attributes.has(key)) : undefined;
  const peer = peerKey === undefined ? undefined : attributes.get(peerKey);
  return {
    traceId: span.traceId,
    ...(parentSpanId === undefined ? {} : { parentId: parentSpanId }),
    id: span.spanId,
    kind: isClient ? "CLIENT" : "SERVER",
    name: span.name.toLowerCase(),
    timestamp: Math.round(span.startMs * 1_000),
    // Zipkin takes 0 for "unknown".
    duration: Math.max(1, Math.round(span.durationMs * 1_000)),
    localEndpoint: { serviceName: resource.serviceName },
    ...(peer === undefined ? {} : { remoteEndpoint: { serviceName: peer } }),
    tags: {
      ...resource.attributes,
      "otel.scope.name": scopeName,
      ...(error === undefined ? {} : { "otel.status_code": "ERROR", error }),
      ...Object.fromEntries(attributes),
    },
  };
}
