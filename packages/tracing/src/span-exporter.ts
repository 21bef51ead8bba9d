import type { ComponentContext } from "@outrigger/core";
import type { SpanRecord, TraceResource } from "./span-record.ts";

/** Sends ended spans somewhere. A batch of its own stands before each exporter. */
export interface SpanExporter {
  /** Names the exporter in the log, for example `tracing-zipkin`. */
  readonly name: string;
  /** Where spans go, for the log. */
  readonly target: string;
  /** Acquires what sending needs. May reject: the spans are lost then, and a warning says why. */
  start?(signal: AbortSignal): Promise<void>;
  /**
   * Sends spans; rejects when they may not have arrived. One call at a time.
   * @param signal aborted when nobody waits any longer.
   */
  export(spans: readonly SpanRecord[], signal: AbortSignal): Promise<void>;
  /** Releases everything. */
  stop?(): Promise<void>;
}

/** Options are bound first; who sends is known later. */
export type SpanExporterFactory = (
  context: ComponentContext,
  resource: TraceResource,
) => SpanExporter;
