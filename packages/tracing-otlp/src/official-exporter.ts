import type { TracingOtlpSettings } from "./options.ts";
import type { ReadableSpan } from "./readable-span.ts";

/** What this package uses of OpenTelemetry's exporters. */
export interface OfficialExporter {
  export(spans: ReadableSpan[], done: (result: ExportResult) => void): void;
  shutdown(): Promise<void>;
}

interface ExportResult {
  /** 0 means success. */
  readonly code: number;
  readonly error?: Error;
}

const ownKey = "OTEL_EXPORTER_OTLP_TRACES_HEADERS";
const sharedKey = "OTEL_EXPORTER_OTLP_HEADERS";

/** Loads OpenTelemetry's exporter, which is large, for a sidecar that uses it. */
export async function loadExporter(settings: TracingOtlpSettings): Promise<OfficialExporter> {
  const { protocol, endpoint, secure, timeoutMs: timeoutMillis } = settings;
  const base = `${secure ? "https" : "http"}://${endpoint}`;
  if (protocol === "grpc") {
    const { OTLPTraceExporter } = await import("@opentelemetry/exporter-trace-otlp-grpc");
    return withHeaders(settings.headers, () => new OTLPTraceExporter({ url: base, timeoutMillis }));
  }
  const { OTLPTraceExporter } = await import("@opentelemetry/exporter-trace-otlp-proto");
  const url = `${base}/v1/traces`;
  return withHeaders(settings.headers, () => new OTLPTraceExporter({ url, timeoutMillis }));
}

/**
 * Runs a constructor that reads headers from the environment, so that it finds exactly the ones given.
 * Dapr's headers take the place of those in the environment; OpenTelemetry's exporters would send both.
 */
function withHeaders<T>(headers: Readonly<Record<string, string>>, create: () => T): T {
  const { env } = process;
  const own = env[ownKey];
  const shared = env[sharedKey];
  const pairs = Object.entries(headers).map(
    ([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`,
  );
  delete env[sharedKey];
  env[ownKey] = pairs.join(",");
  try {
    return create();
  } finally {
    restore(ownKey, own);
    restore(sharedKey, shared);
  }
}

function restore(key: string, value: string | undefined): void {
  if (value === undefined) delete process.env[key];
  else process.env[key] = value;
}
