import type { Resource } from "@opentelemetry/resources";
import type {
  SpanExporter,
  SpanExporterFactory,
  SpanRecord,
  TraceResource,
} from "@outrigger/tracing";
import { loadExporter, type OfficialExporter } from "./official-exporter.ts";
import { parseOtlpOptions, type TracingOtlpOptions, type TracingOtlpSettings } from "./options.ts";
import { toReadableSpan } from "./readable-span.ts";

/** Version of the names that attributes have, as Dapr tells it. */
const schemaUrl = "https://opentelemetry.io/schemas/1.25.0";

/**
 * Sends spans to an OpenTelemetry collector, or to a backend that takes OTLP.
 * @throws OutriggerError `OTR_OPTIONS_INVALID`.
 */
export function tracingOtlp(options: TracingOtlpOptions): SpanExporterFactory {
  const settings = parseOtlpOptions(options);
  return (_context, resource) => new OtlpExporter(settings, resource);
}

interface Loaded {
  readonly exporter: OfficialExporter;
  readonly resource: Resource;
}

class OtlpExporter implements SpanExporter {
  readonly name = "tracing-otlp";
  readonly target: string;
  readonly #settings: TracingOtlpSettings;
  readonly #resource: TraceResource;
  #loading: Promise<Loaded> | undefined;

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
    const { exporter, resource } = await this.#load();
    const readable = spans.map((span) => toReadableSpan(span, resource));
    await new Promise<void>((resolve, reject) => {
      exporter.export(readable, ({ code, error }) => {
        if (code === 0) resolve();
        else reject(error ?? new Error("the collector did not take the spans"));
      });
    });
  }

  async stop(): Promise<void> {
    const loading = this.#loading;
    this.#loading = undefined;
    const loaded = await loading?.catch(() => undefined);
    await loaded?.exporter.shutdown();
  }

  #load(): Promise<Loaded> {
    this.#loading ??= load(this.#settings, this.#resource).catch((reason: unknown) => {
      // The next export tries again.
      this.#loading = undefined;
      throw reason;
    });
    return this.#loading;
  }
}

async function load(settings: TracingOtlpSettings, resource: TraceResource): Promise<Loaded> {
  const { resourceFromAttributes } = await import("@opentelemetry/resources");
  return {
    exporter: await loadExporter(settings),
    resource: resourceFromAttributes({ ...resource.attributes }, { schemaUrl }),
  };
}
