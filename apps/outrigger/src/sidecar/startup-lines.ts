import type { Logger } from "@outrigger/core";
import { defaultLatencyBounds } from "@outrigger/metrics-prometheus";
import type { Configuration } from "@outrigger/resources";

/** Rate that stands in for one that is missing or no number (Dapr `pkg/diagnostics/utils`). */
const defaultSamplingRate = 0.0001;

/** Lines about the Configuration that tools look for in Dapr's log. */
export function logConfiguration(configuration: Configuration, log: Logger): void {
  const { metric, tracing } = configuration;
  const diagnostics = log.scope("dapr.runtime.diagnostics");
  diagnostics.log("info", `metric spec: ${JSON.stringify(metric)}`);
  const buckets = metric.latencyDistributionBuckets;
  const isCustom = buckets !== undefined && buckets.length > 0;
  diagnostics.log(
    "info",
    isCustom
      ? `Using custom latency distribution buckets: [${buckets.join(" ")}]`
      : `Using default latency distribution buckets: [${defaultLatencyBounds.join(" ")}]`,
  );
  const rate = samplingRate(tracing.samplingRate);
  log.log(
    "info",
    `Dapr trace sampler initialized: ParentBased{root:TraceIDRatioBased{${formatRate(rate)}},` +
      "remoteParentSampled:AlwaysOnSampler,remoteParentNotSampled:AlwaysOffSampler," +
      "localParentSampled:AlwaysOnSampler,localParentNotSampled:AlwaysOffSampler}",
  );
}

function samplingRate(text: string): number {
  const rate = text.trim() === "" ? Number.NaN : Number(text);
  if (Number.isNaN(rate)) return defaultSamplingRate;
  return Math.min(1, Math.max(0, rate));
}

/** As Go prints a float with `%g`: small numbers in scientific form. */
function formatRate(rate: number): string {
  if (rate === 0 || rate >= 0.0001) return `${rate}`;
  const [mantissa = "", exponent = ""] = rate.toExponential().split("e");
  return `${mantissa}e-${exponent.slice(1).padStart(2, "0")}`;
}
