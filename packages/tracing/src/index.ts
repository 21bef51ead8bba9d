export type { TracingOptions } from "./options.ts";
export { describeSampler, isRootSampled, parseSamplingRate } from "./sampling-rate.ts";
export type { SpanCounts } from "./span-batch.ts";
export type { SpanExporter, SpanExporterFactory } from "./span-exporter.ts";
export { type SpanRecord, scopeName, type TraceResource } from "./span-record.ts";
export { type TracingComponent, tracing } from "./tracing.ts";
