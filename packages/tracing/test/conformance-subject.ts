import type { ArrivedSpan, CollectorConduct, TracingSubject } from "@outrigger/conformance";
import { type SpanExporterFactory, type SpanRecord, tracing } from "@outrigger/tracing";

/** A collector in memory with an exporter of its own: no network, all details. */
export class MemoryCollector {
  readonly spans: ArrivedSpan[] = [];
  conduct: CollectorConduct = "takes";

  readonly exporter: SpanExporterFactory = (_context, { serviceName }) => ({
    name: "memory",
    target: "memory",
    export: async (records, signal) => {
      if (this.conduct === "refuses") throw new Error("refused");
      if (this.conduct === "hangs") await aborted(signal);
      for (const each of records) this.spans.push(arrivedFrom(each, serviceName));
    },
  });
}

/** The tracer of this package with a collector of its own. */
export function memorySubject(collector: MemoryCollector = new MemoryCollector()): TracingSubject {
  return {
    create: (settings, context) =>
      tracing({ ...settings, exporters: [collector.exporter] })(context),
    collector: {
      arrived: () => collector.spans,
      behave: (conduct) => {
        collector.conduct = conduct;
      },
    },
  };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

function arrivedFrom(record: SpanRecord, service: string): ArrivedSpan {
  const { name, kind, traceId, spanId, parentSpanId, attributes, error } = record;
  const failed = error !== undefined;
  const shown = Object.fromEntries(attributes);
  return { name, kind, traceId, spanId, parentSpanId, service, attributes: shown, failed };
}
