import { silentLogger, type Telemetry } from "@outrigger/core";
import { AccessMetrics } from "./access-metrics.ts";
import { CallMetrics } from "./call-metrics.ts";
import { ErrorCodeMetrics } from "./error-codes.ts";
import { GrpcMetrics, GrpcProbeMetrics } from "./grpc-metrics.ts";
import { latencyBounds } from "./histogram.ts";
import { HttpClientMetrics, HttpServerMetrics } from "./http-metrics.ts";
import { LabelRules } from "./label-rules.ts";
import { type MetricsOptions, parseMetricsOptions } from "./options.ts";
import { Registry } from "./registry.ts";
import { ResiliencyMetrics } from "./resiliency-metrics.ts";
import { StartMetrics } from "./start-metrics.ts";

/** Dapr's metrics of one sidecar. Recording never throws and allocates nothing on a known series. */
export interface Metrics {
  /** Listener for the runtime: calls between sidecars, and access control. */
  readonly telemetry: Telemetry;
  readonly httpServer: HttpServerMetrics;
  readonly httpClient: HttpClientMetrics;
  readonly grpcServer: GrpcMetrics;
  readonly grpcClient: GrpcMetrics;
  readonly grpcProbes: GrpcProbeMetrics;
  readonly resiliency: ResiliencyMetrics;
  readonly start: StartMetrics;
  /** `undefined` where error codes are not counted. */
  readonly errorCodes: ErrorCodeMetrics | undefined;
  /** Number of series of all families. */
  readonly seriesCount: number;
  /** Text of the families that have a series. */
  render(): string;
}

/**
 * Makes a recorder.
 * @throws OutriggerError `OTR_OPTIONS_INVALID`.
 */
export function createMetrics(options: MetricsOptions): Metrics {
  const settings = parseMetricsOptions(options);
  const { appId, maxSeries, rules, log = silentLogger } = settings;
  const registry = new Registry({
    rules: new LabelRules(rules, log),
    maxSeries,
    onOverflow: (family) => {
      log.log(
        "warn",
        `metric ${family} has ${maxSeries} series: further ones are recorded together as _overflow`,
      );
    },
  });
  const latency = latencyBounds(settings.latencyBucketsMs);
  const calls = new CallMetrics(registry, latency, appId);
  const access = new AccessMetrics(registry);
  return {
    telemetry: {
      sent: (target, form) => calls.sent(target, form),
      answered: (target, form, code, ms) => calls.answered(target, form, code, ms),
      received: (call) => calls.received(call),
      replied: (call, code) => calls.replied(call, code),
      judged: (peer, decision) => access.judged(peer, decision),
    },
    httpServer: new HttpServerMetrics(registry, latency, settings),
    httpClient: new HttpClientMetrics(registry, latency, settings),
    grpcServer: new GrpcMetrics(registry, latency, appId, "server"),
    grpcClient: new GrpcMetrics(registry, latency, appId, "client"),
    grpcProbes: new GrpcProbeMetrics(registry, latency, appId),
    resiliency: new ResiliencyMetrics(registry, appId),
    start: new StartMetrics(registry, appId),
    errorCodes: settings.recordErrorCodes ? new ErrorCodeMetrics(registry, appId) : undefined,
    get seriesCount() {
      return registry.size;
    },
    render: () => registry.render(),
  };
}
