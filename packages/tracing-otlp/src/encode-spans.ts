import { ProtoWriter } from "@outrigger/protocol";
import { type SpanRecord, scopeName, type TraceResource } from "@outrigger/tracing";

/** Version of the names that attributes have, as Dapr tells it. */
const schemaUrl = "https://opentelemetry.io/schemas/1.25.0";

const kindClient = 3;
const kindServer = 2;
const statusError = 2;
/** The parent is another process', and that is known (OTLP's `SpanFlags`). */
const remoteParent = 0x300;

/**
 * Writes an `ExportTraceServiceRequest` (opentelemetry-proto). Fields with their default value are left
 * out, as Dapr's exporter does; OpenTelemetry's encoder for JavaScript writes them.
 */
export function encodeSpans(spans: readonly SpanRecord[], resource: TraceResource): Uint8Array {
  const writer = new ProtoWriter({ sizeHintBytes: 512 + spans.length * 512 });
  const resourceSpans = writer.begin(1, 20_000);
  const service = writer.begin(1, 100);
  for (const [key, value] of Object.entries(resource.attributes)) attribute(writer, 1, key, value);
  writer.end(service);
  const scopeSpans = writer.begin(2, 20_000);
  const scope = writer.begin(1, scopeName.length);
  writer.text(1, scopeName);
  writer.end(scope);
  for (const span of spans) writeSpan(writer, span);
  writer.end(scopeSpans);
  writer.text(3, schemaUrl);
  writer.end(resourceSpans);
  return writer.finish();
}

function writeSpan(writer: ProtoWriter, span: SpanRecord): void {
  const mark = writer.begin(2, 500);
  writer.bytes(1, Buffer.from(span.traceId, "hex"));
  writer.bytes(2, Buffer.from(span.spanId, "hex"));
  writer.text(3, span.traceState);
  if (span.parentSpanId !== undefined) writer.bytes(4, Buffer.from(span.parentSpanId, "hex"));
  writer.text(5, span.name);
  writer.uint(6, span.kind === "client" ? kindClient : kindServer);
  writer.fixed64(7, nanoseconds(span.startMs));
  writer.fixed64(8, nanoseconds(span.startMs + span.durationMs));
  for (const [key, value] of span.attributes) attribute(writer, 9, key, value);
  const status = writer.begin(15);
  if (span.error !== undefined) {
    writer.text(2, span.error);
    writer.uint(3, statusError);
  }
  writer.end(status);
  writer.fixed32(16, span.flags | (span.parentSpanId === undefined ? 0x100 : remoteParent));
  writer.end(mark);
}

function attribute(writer: ProtoWriter, field: number, key: string, text: string): void {
  const pair = writer.begin(field);
  writer.text(1, key);
  const value = writer.begin(2);
  writer.textElement(1, text);
  writer.end(value);
  writer.end(pair);
}

/** The fraction of a millisecond is finer than a double can tell of a whole time. */
function nanoseconds(epochMs: number): bigint {
  const whole = Math.floor(epochMs);
  return BigInt(whole) * 1_000_000n + BigInt(Math.round((epochMs - whole) * 1_000_000));
}
