import type { Logger } from "@outrigger/core";
import {
  createMetrics,
  type Metrics,
  type MetricsServer,
  metricsServer,
} from "@outrigger/metrics-prometheus";
import type { Configuration } from "@outrigger/resources";
import type { SidecarOptions } from "../flags/sidecar-options.ts";

/** How a sidecar is measured. */
export interface ComposedMetrics {
  /** `undefined`: the Configuration says no, or nobody could read it. */
  readonly metrics: Metrics | undefined;
  /** `undefined`: no port is opened. */
  readonly server: MetricsServer | undefined;
}

/** The flag opens the port, the Configuration lets things be measured: two switches, as in Dapr. */
export function composeMetrics(
  { appId, metrics: flags }: Pick<SidecarOptions, "appId" | "metrics">,
  { metric }: Pick<Configuration, "metric">,
  log: Logger,
): ComposedMetrics {
  if (!flags.enabled) return { metrics: undefined, server: undefined };
  const metrics = metric.enabled ? recorder(appId, metric, log) : undefined;
  const server = metricsServer({
    host: flags.listenAddress.replace(/^\[(.*)\]$/, "$1"),
    port: flags.port,
    log: log.scope("dapr.metrics"),
    ...(metrics === undefined ? {} : { render: () => metrics.render() }),
  });
  return { metrics, server };
}

function recorder(appId: string, metric: Configuration["metric"], log: Logger): Metrics {
  const { http, latencyDistributionBuckets, rules, recordErrorCodes } = metric;
  const scope = log.scope("dapr.runtime.diagnostics");
  if (http?.increasedCardinality === undefined) {
    scope.log(
      "warn",
      "The default value for 'spec.metric.http.increasedCardinality' will change to 'false' in Dapr 1.15 or later",
    );
  }
  const buckets = usable(latencyDistributionBuckets, scope);
  return createMetrics({
    appId,
    log: scope,
    ...(http === undefined ? {} : { http }),
    ...(buckets === undefined ? {} : { latencyBucketsMs: buckets }),
    ...(rules === undefined ? {} : { rules }),
    ...(recordErrorCodes === undefined ? {} : { recordErrorCodes }),
  });
}

/** Dapr goes on with most of its metrics missing; we go on with the usual bounds. */
function usable(
  buckets: readonly number[] | undefined,
  log: Logger,
): readonly number[] | undefined {
  if (buckets === undefined || buckets.every((bound) => bound >= 0)) return buckets;
  log.log("error", "latencyDistributionBuckets has a negative bound: the default ones are used");
  return undefined;
}
