import { type Attributes, type HrTime, SpanKind, SpanStatusCode } from "@opentelemetry/api";
import type { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import type { Resource } from "@opentelemetry/resources";
import { type SpanRecord, scopeName } from "@outrigger/tracing";

/** What OpenTelemetry's exporters take: plain objects do, as long as the fields are there. */
export type ReadableSpan = Parameters<OTLPTraceExporter["export"]>[0][number];

const instrumentationScope = { name: scopeName };

/** A span in the shape of OpenTelemetry's SDK. */
export function toReadableSpan(span: SpanRecord, resource: Resource): ReadableSpan {
  const { traceId, spanId, parentSpanId, flags: traceFlags, error } = span;
  const traceState = traceStateOf(span.traceState);
  const context = { traceId, spanId, traceFlags, ...(traceState && { traceState }) };
  return {
    name: span.name,
    kind: span.kind === "client" ? SpanKind.CLIENT : SpanKind.SERVER,
    spanContext: () => context,
    ...(parentSpanId === undefined
      ? {}
      : { parentSpanContext: { traceId, spanId: parentSpanId, traceFlags, isRemote: true } }),
    startTime: hrTime(span.startMs),
    endTime: hrTime(span.startMs + span.durationMs),
    duration: hrTime(span.durationMs),
    status:
      error === undefined
        ? { code: SpanStatusCode.UNSET }
        : { code: SpanStatusCode.ERROR, message: error },
    attributes: Object.fromEntries(span.attributes) satisfies Attributes,
    links: [],
    events: [],
    ended: true,
    resource,
    instrumentationScope,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

type TraceState = NonNullable<ReturnType<ReadableSpan["spanContext"]>["traceState"]>;

/** Only its text is ever asked for. */
function traceStateOf(text: string): TraceState | undefined {
  if (text === "") return undefined;
  const state: TraceState = {
    serialize: () => text,
    get: () => undefined,
    set: () => state,
    unset: () => state,
  };
  return state;
}

/** Seconds and nanoseconds. */
function hrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1_000);
  return [seconds, Math.round((ms - seconds * 1_000) * 1_000_000)];
}
