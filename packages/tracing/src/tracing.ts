import {
  type ComponentContext,
  type ComponentFactory,
  errorText,
  type Logger,
  type SpanKind,
  type TraceContext,
  type Tracer,
  unlessAborted,
} from "@outrigger/core";
import { OpenSpan } from "./open-span.ts";
import { parseTracingOptions, type TracingOptions, type TracingSettings } from "./options.ts";
import { RandomIds } from "./random-ids.ts";
import { isRootSampled } from "./sampling-rate.ts";
import { SpanBatch, type SpanCounts } from "./span-batch.ts";
import type { SpanExporter } from "./span-exporter.ts";
import type { SpanRecord, TraceResource } from "./span-record.ts";

/** Bound on the end of an exporter whose spans are sent, or lost. */
const releaseTimeoutMs = 500;

/** A tracer, and what became of its spans. */
export interface TracingComponent extends Tracer {
  /** Counts by exporter name. */
  counts(): Readonly<Record<string, SpanCounts>>;
}

/**
 * Parent-based sampling and the spans of the requests that are sampled: a request whose parent is
 * sampled is, one whose parent is not is not, and traces that begin here are by rate.
 */
export function tracing(options: TracingOptions = {}): ComponentFactory<TracingComponent> {
  const settings = parseTracingOptions(options);
  return (context) => new SpanTracer(settings, context);
}

interface Route {
  readonly exporter: SpanExporter;
  readonly batch: SpanBatch;
}

class SpanTracer implements TracingComponent {
  readonly name = "tracing";
  readonly #settings: TracingSettings;
  readonly #log: Logger;
  readonly #ids = new RandomIds();
  readonly #routes: readonly Route[];

  constructor(settings: TracingSettings, context: ComponentContext) {
    this.#settings = settings;
    this.#log = context.log;
    const resource = resourceOf(settings, context.appId);
    this.#routes = settings.exporters.map((create) => {
      const exporter = create(context, resource);
      return { exporter, batch: new SpanBatch(exporter, settings, context.log) };
    });
  }

  /** An exporter that cannot start loses its spans, not the sidecar. */
  async start(signal: AbortSignal): Promise<void> {
    for (const { exporter } of this.#routes) {
      try {
        await exporter.start?.(signal);
      } catch (reason) {
        signal.throwIfAborted();
        this.#log.log("warn", `${exporter.name} cannot start: ${errorText(reason)}`);
      }
    }
  }

  begin(kind: SpanKind, name: string, parent: TraceContext | undefined): TraceContext {
    const spanId = this.#ids.spanId();
    if (parent !== undefined) return this.#child(kind, name, parent, spanId);
    const traceId = this.#ids.traceId();
    if (!isRootSampled(traceId, this.#settings.samplingRate)) {
      return { traceparent: `00-${traceId}-${spanId}-00`, tracestate: "" };
    }
    const identity = { kind, traceId, spanId, parentSpanId: undefined, traceState: "", flags: 1 };
    return {
      traceparent: `00-${traceId}-${spanId}-01`,
      tracestate: "",
      span: new OpenSpan(name, identity, this.#onEnd),
    };
  }

  async stop(): Promise<void> {
    const { flushTimeoutMs } = this.#settings;
    await Promise.all(
      this.#routes.map(async ({ batch, exporter }) => {
        await batch.close(flushTimeoutMs);
        if (exporter.stop !== undefined) await this.#release(exporter.name, exporter.stop());
      }),
    );
  }

  /** Exporters that wait for what was given up must not hold up the stop. */
  async #release(name: string, stopped: Promise<void>): Promise<void> {
    try {
      await unlessAborted(stopped, AbortSignal.timeout(releaseTimeoutMs));
    } catch (reason) {
      this.#log.log("debug", `${name} is left to itself: ${errorText(reason)}`);
    }
  }

  counts(): Readonly<Record<string, SpanCounts>> {
    return Object.fromEntries(
      this.#routes.map(({ exporter, batch }) => [exporter.name, batch.counts]),
    );
  }

  /** Later versions of the header begin with the same fields, which are written as version 00. */
  #child(kind: SpanKind, name: string, parent: TraceContext, spanId: string): TraceContext {
    const { traceparent, tracestate } = parent;
    const trace = traceparent.slice(3, 35);
    const flags = traceparent.slice(53, 55);
    const next = `00-${trace}-${spanId}-${flags}`;
    const bits = Number.parseInt(flags, 16);
    if ((bits & 1) === 0) return { traceparent: next, tracestate };
    const identity = {
      kind,
      traceId: trace,
      spanId,
      parentSpanId: traceparent.slice(36, 52),
      traceState: tracestate,
      flags: bits,
    };
    return { traceparent: next, tracestate, span: new OpenSpan(name, identity, this.#onEnd) };
  }

  readonly #onEnd = (record: SpanRecord): void => {
    for (const { batch } of this.#routes) batch.add(record);
  };
}

function resourceOf({ serviceName, resource }: TracingSettings, appId: string): TraceResource {
  const name = serviceName ?? resource["service.name"] ?? appId;
  return { serviceName: name, attributes: { ...resource, "service.name": name } };
}
