import type { SpanRecord } from "@outrigger/tracing";
import type { TracingOtlpSettings } from "./options.ts";

/** What this package uses of OpenTelemetry's exporters: connections, TLS, compression and repeats. */
export interface OfficialExporter {
  export(spans: readonly SpanRecord[], done: (result: ExportResult) => void): void;
  shutdown(): Promise<void>;
}

interface ExportResult {
  /** 0 means success. */
  readonly code: number;
  readonly error?: Error;
}

const ownKey = "OTEL_EXPORTER_OTLP_TRACES_HEADERS";
const sharedKey = "OTEL_EXPORTER_OTLP_HEADERS";
const grpcPath = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
const counted = { name: "span", countItems: ({ length }: { length: number }) => length } as const;

/** Loads OpenTelemetry's exporter, which is large, for a sidecar that uses it. */
export async function loadExporter(
  settings: TracingOtlpSettings,
  encode: (spans: readonly SpanRecord[]) => Uint8Array,
): Promise<OfficialExporter> {
  const { protocol, endpoint, secure, headers, timeoutMs: timeoutMillis } = settings;
  const base = `${secure ? "https" : "http"}://${endpoint}`;
  // What a collector says about spans that it took in part is of no use here.
  const serializer = { serializeRequest: encode, deserializeResponse: () => ({}) };
  if (protocol === "grpc") {
    const { convertLegacyOtlpGrpcOptions, createOtlpGrpcExportDelegate } = await import(
      "@opentelemetry/otlp-grpc-exporter-base"
    );
    const options = withHeaders(headers, () =>
      convertLegacyOtlpGrpcOptions({ url: base, timeoutMillis }, "TRACES"),
    );
    return createOtlpGrpcExportDelegate(
      options,
      serializer,
      "otlp_grpc_span_exporter",
      counted,
      undefined,
      "TraceExportService",
      grpcPath,
    );
  }
  const { convertLegacyHttpOptions, createOtlpHttpExportDelegate } = await import(
    "@opentelemetry/otlp-exporter-base/node-http"
  );
  const path = "v1/traces";
  const options = withHeaders(headers, () =>
    convertLegacyHttpOptions({ url: `${base}/${path}`, timeoutMillis }, "TRACES", path, {
      "Content-Type": "application/x-protobuf",
    }),
  );
  return createOtlpHttpExportDelegate(
    options,
    serializer,
    "otlp_http_span_exporter",
    counted,
    undefined,
  );
}

/**
 * Runs what reads headers from the environment, so that it finds exactly the ones given. Dapr's
 * headers take the place of those in the environment; OpenTelemetry's exporters would send both.
 */
function withHeaders<T>(headers: Readonly<Record<string, string>>, read: () => T): T {
  const { env } = process;
  const own = env[ownKey];
  const shared = env[sharedKey];
  const pairs = Object.entries(headers).map(
    ([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`,
  );
  delete env[sharedKey];
  env[ownKey] = pairs.join(",");
  try {
    return read();
  } finally {
    restore(ownKey, own);
    restore(sharedKey, shared);
  }
}

function restore(key: string, value: string | undefined): void {
  if (value === undefined) delete process.env[key];
  else process.env[key] = value;
}
