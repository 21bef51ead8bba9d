import type { Logger } from "@outrigger/core";
import { defaultLatencyBounds } from "@outrigger/metrics-prometheus";
import type { Configuration } from "@outrigger/resources";
import { describeSampler, parseSamplingRate } from "@outrigger/tracing";
import type { Environment } from "../flags/validate-options.ts";
import { tracingSpec } from "./tracing-spec.ts";

/** Lines about the Configuration that tools look for in Dapr's log. */
export function logConfiguration(
  configuration: Configuration,
  env: Environment,
  log: Logger,
): void {
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
  const rate = parseSamplingRate(tracingSpec(tracing, env).samplingRate);
  log.log("info", `Dapr trace sampler initialized: ${describeSampler(rate)}`);
}
