import { OutriggerError, type RuntimeOptions } from "@outrigger/core";
import type { OtelSpec, TracingSpec } from "@outrigger/resources";
import {
  parseSamplingRate,
  type SpanExporterFactory,
  type TracingOptions,
  tracing,
} from "@outrigger/tracing";
import { tracingOtlp } from "@outrigger/tracing-otlp";
import { tracingStdout } from "@outrigger/tracing-stdout";
import { tracingZipkin } from "@outrigger/tracing-zipkin";
import type { Environment } from "../flags/validate-options.ts";
import { resourceAttributes, tracingSpec } from "./tracing-spec.ts";

/**
 * The tracer that the Configuration and the environment ask for (Dapr `pkg/runtime`, `setupTracing`).
 * Without a rate and exporters nobody traces: contexts are passed on as they come.
 * @throws OutriggerError for an exporter that cannot be made, in Dapr's words.
 */
export function composeTracing(
  configured: TracingSpec,
  env: Environment,
): Pick<RuntimeOptions, "tracer"> {
  const spec = tracingSpec(configured, env);
  const exporters = chooseExporters(spec);
  const samplingRate = parseSamplingRate(spec.samplingRate);
  if (samplingRate === 0) return {};
  if (exporters.length === 0 && spec.samplingRate === "") return {};
  const serviceName = env.OTEL_SERVICE_NAME;
  return {
    tracer: tracing({
      samplingRate,
      exporters,
      ...(serviceName ? { serviceName } : {}),
      resource: resourceAttributes(env),
      ...batchOptions(env),
    }),
  };
}

function chooseExporters(spec: TracingSpec): readonly SpanExporterFactory[] {
  const { stdout, zipkinEndpointAddress: url, otel } = spec;
  const exporters: SpanExporterFactory[] = [];
  // Dapr's lines of spans have no app id.
  if (stdout) exporters.push(tracingStdout({ fields: { app_id: "" } }));
  if (url !== "") exporters.push(tracingZipkin({ url }));
  // Without a protocol Dapr makes no exporter, even with an endpoint, and says nothing.
  if (otel.endpointAddress !== "" && otel.protocol !== "") exporters.push(otlp(otel));
  return exporters;
}

function otlp(otel: OtelSpec): SpanExporterFactory {
  const { protocol, endpointAddress: endpoint, isSecure: secure, timeoutMs } = otel;
  if (protocol !== "grpc" && protocol !== "http") {
    throw new OutriggerError(`invalid protocol ${protocol} provided for Otel endpoint`, {
      code: "OTR_OPTIONS_INVALID",
    });
  }
  return tracingOtlp({
    protocol,
    endpoint,
    secure,
    headers: headersOf(otel),
    ...(timeoutMs === undefined || timeoutMs <= 0 ? {} : { timeoutMs }),
  });
}

/** Entries without a sign of equality are left out, and a later one replaces an earlier one. */
function headersOf({ headers }: OtelSpec): Readonly<Record<string, string>> {
  const pairs = headers.flatMap((pair): [string, string][] => {
    const separator = pair.indexOf("=");
    return separator < 1 ? [] : [[pair.slice(0, separator), pair.slice(separator + 1)]];
  });
  return Object.fromEntries(pairs);
}

/** Bounds of the batches; as in OpenTelemetry's library, what is no number leaves the default. */
function batchOptions(env: Environment): Partial<TracingOptions> {
  const read = (key: string): number | undefined => {
    const text = env[key] ?? "";
    const value = /^\+?\d{1,9}$/.test(text) ? Number(text) : 0;
    return value > 0 ? value : undefined;
  };
  const scheduleDelayMs = read("OTEL_BSP_SCHEDULE_DELAY");
  const exportTimeoutMs = read("OTEL_BSP_EXPORT_TIMEOUT");
  const maxQueueSize = read("OTEL_BSP_MAX_QUEUE_SIZE");
  const maxExportBatchSize = read("OTEL_BSP_MAX_EXPORT_BATCH_SIZE");
  return {
    ...(scheduleDelayMs === undefined ? {} : { scheduleDelayMs }),
    ...(exportTimeoutMs === undefined ? {} : { exportTimeoutMs }),
    ...(maxQueueSize === undefined ? {} : { maxQueueSize: Math.min(maxQueueSize, 1_000_000) }),
    ...(maxExportBatchSize === undefined
      ? {}
      : { maxExportBatchSize: Math.min(maxExportBatchSize, 1_000_000) }),
  };
}
