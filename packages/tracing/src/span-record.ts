import type { SpanKind } from "@outrigger/core";

/** A span that has ended. */
export interface SpanRecord {
  readonly name: string;
  readonly kind: SpanKind;
  /** 32 lower-case hex digits. */
  readonly traceId: string;
  /** 16 lower-case hex digits. */
  readonly spanId: string;
  /** `undefined` where the trace begins. */
  readonly parentSpanId: string | undefined;
  /** Header `tracestate`; empty when there is none. */
  readonly traceState: string;
  /** Flags of the trace context; bit 0, "sampled", is set. */
  readonly flags: number;
  /** Milliseconds since the epoch, with a fraction. */
  readonly startMs: number;
  readonly durationMs: number;
  readonly attributes: ReadonlyMap<string, string>;
  /** What went wrong; `undefined` when nothing did. */
  readonly error: string | undefined;
}

/** Who made the spans, as backends show it. */
export interface TraceResource {
  /** Attribute `service.name`. */
  readonly serviceName: string;
  /** All attributes, `service.name` among them. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** Name under which the spans are made (OpenTelemetry's instrumentation scope), as in Dapr. */
export const scopeName = "dapr-diagnostics";
