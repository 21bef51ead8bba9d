import type {
  SpanExporter,
  SpanExporterFactory,
  SpanRecord,
  TraceResource,
} from "@outrigger/tracing";
import { encodeSpans } from "./encode-spans.ts";
import { loadExporter, type OfficialExporter } from "./official-exporter.ts";
import { parseOtlpOptions, type TracingOtlpOptions, type TracingOtlpSettings } from "./options.ts";

/**
 * Sends spans to an OpenTelemetry collector, or to a backend that takes OTLP.
 * @throws OutriggerError `OTR_OPTIONS_INVALID`.
 */
export function tracingOtlp(options: TracingOtlpOptions): SpanExporterFactory {
  const settings = parseOtlpOptions(options);
  return (_context, resource) => new OtlpExporter(settings, resource);
}

class OtlpExporter implements SpanExporter {
  readonly name = "tracing-otlp";
  readonly target: string;
  readonly #settings: TracingOtlpSettings;
  readonly #resource: TraceResource;
  #loading: Promise<OfficialExporter> | undefined;

  constructor(settings: TracingOtlpSettings, resource: TraceResource) {
    this.#settings = settings;
    this.#resource = resource;
    this.target = `${settings.protocol}://${settings.endpoint}`;
  }

  /** Begins to load the exporter; nobody waits for it, and a failure shows with the first export. */
  async start(): Promise<void> {
    this.#load().catch(() => undefined);
  }

  async export(spans: readonly SpanRecord[]): Promise<void> {
    const exporter = await this.#load();
    await new Promise<void>((resolve, reject) => {
      exporter.export(spans, ({ code, error }) => {
        if (code === 0) resolve();
        else reject(error ?? new Error("the collector did not take the spans"));
      });
    });
  }

  async stop(): Promise<void> {
    const loading = this.#loading;
    this.#loading = undefined;
    const loaded = await loading?.catch(() => undefined);
    await loaded?.shutdown();
  }

  #load(): Promise<OfficialExporter> {
    const encode = (spans: readonly SpanRecord[]): Uint8Array => encodeSpans(spans, this.#resource);
    this.#loading ??= loadExporter(this.#settings, encode).catch((reason: unknown) => {
      // The next export tries again.
      this.#loading = undefined;
      throw reason;
    });
    return this.#loading;
  }
}
