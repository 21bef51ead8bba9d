import type { ComponentContext, SpanKind, Tracer } from "@outrigger/core";

/** A span as a collector sees it. What its format does not carry is left out. */
export interface ArrivedSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  /** `undefined` for the first span of a trace. */
  readonly parentSpanId: string | undefined;
  readonly kind?: SpanKind;
  /** Attribute `service.name` of whoever sent it. */
  readonly service?: string;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly failed?: boolean;
}

/**
 * How a collector behaves: it takes spans, refuses them for good, or accepts a request and never
 * answers. What it does not take does not arrive.
 */
export type CollectorConduct = "takes" | "refuses" | "hangs";

/** Where the spans of a case go. */
export interface SpanCollector {
  /** All spans that arrived, in any order. */
  arrived(): readonly ArrivedSpan[];
  /** For requests from now on; those that hang go on hanging. Needed with the feature `failures`. */
  behave?(conduct: CollectorConduct): void;
}

/** How a case wants its tracer. */
export interface TracerSettings {
  /** Share of the traces that begin here which is recorded. */
  readonly samplingRate: number;
  /** Spans that wait at most. */
  readonly maxQueueSize: number;
  /** Spans per export at most. */
  readonly maxExportBatchSize: number;
  /** Longest wait of a span before it is sent. */
  readonly scheduleDelayMs: number;
  /** Bound on one export. */
  readonly exportTimeoutMs: number;
  /** Bound on sending the last spans at the stop. */
  readonly flushTimeoutMs: number;
}

/** A tracer with its exporter and the collector that the exporter sends to. */
export interface TracingSubject {
  /** Makes a tracer that sends to the collector; not started. */
  readonly create: (settings: TracerSettings, context: ComponentContext) => Tracer;
  readonly collector: SpanCollector;
  readonly features?: TracingFeatures;
}

/** What an exporter may leave out. All are on unless they are `false`. */
export interface TracingFeatures {
  /** The collector can fail and hang. Off for exporters to a place that cannot. */
  readonly failures?: boolean;
  /** Its format has kinds, attributes and errors. */
  readonly details?: boolean;
  /** Its format names the service. */
  readonly service?: boolean;
}
