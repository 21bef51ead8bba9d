import {
  type AppChannelGrpcOptions,
  appChannelGrpc,
  appProxyGrpc,
} from "@outrigger/app-channel-grpc";
import { type AppChannelHttpOptions, appChannelHttp } from "@outrigger/app-channel-http";
import type { RuntimeOptions } from "@outrigger/core";
import type { Metrics } from "@outrigger/metrics-prometheus";
import type { Configuration } from "@outrigger/resources";
import { parseSamplingRate } from "@outrigger/tracing";
import type { SidecarOptions } from "../flags/sidecar-options.ts";
import type { PipelineParts } from "./compose-components.ts";

/** The ways to the app: without `--app-port` only the one of proxied calls, which leads nowhere. */
export function composeApp(
  options: SidecarOptions,
  configuration: Configuration,
  { env, log, metrics, pipeline }: PipelineParts,
): Pick<RuntimeOptions, "appChannel" | "appProxy"> {
  const { appProtocol } = options;
  const target = {
    host: options.appChannelAddress.replace(/^\[(.*)\]$/, "$1"),
    port: options.appPort,
    ...(env.APP_API_TOKEN ? { appToken: env.APP_API_TOKEN } : {}),
  };
  const grpcTarget = {
    ...target,
    tls: appProtocol === "grpcs",
    maxMessageBytes: Math.max(0, options.maxBodyBytes),
  };
  const maxConcurrency = options.appMaxConcurrency;
  // Proxied calls dial whatever the port is, as in Dapr.
  const appProxy = appProxyGrpc(grpcTarget);
  if (options.appPort === 0) {
    log.log("warn", "App channel is not initialized. Did you configure an app-port?");
    return { appProxy };
  }
  if (appProtocol === "grpc" || appProtocol === "grpcs") {
    const listeners = metrics === undefined ? {} : grpcAppListeners(metrics);
    const traceContext = isTracing(configuration);
    return {
      appChannel: appChannelGrpc({ ...grpcTarget, maxConcurrency, traceContext, ...listeners }),
      appProxy,
    };
  }
  return {
    appChannel: appChannelHttp({
      ...target,
      maxConcurrency,
      protocol: appProtocol,
      // Dapr's HTTP/2 client does not heed the limit.
      ...(appProtocol === "h2c" ? {} : { maxResponseHeaderBytes: options.maxHeaderBytes }),
      traceContext: isTracing(configuration),
      ...(pipeline === undefined ? {} : { pipeline }),
      greets: !options.disabledInitEndpoints.config,
      ...(metrics === undefined ? {} : httpAppListeners(metrics)),
    }),
    appProxy,
  };
}

function httpAppListeners({
  httpClient,
}: Metrics): Pick<AppChannelHttpOptions, "onRequest" | "onProbe"> {
  return {
    onRequest: (method, path, status, sent, received, ms) =>
      httpClient.record(method, path, status, sent, received, ms),
    onProbe: (status, ms) => httpClient.recordProbe(status, ms),
  };
}

function grpcAppListeners({
  grpcClient,
  grpcProbes,
}: Metrics): Pick<AppChannelGrpcOptions, "onRpc" | "onProbe"> {
  return {
    onRpc: (path, code, ms, received, sent) => grpcClient.record(path, code, ms, received, sent),
    onProbe: (code, ms) => grpcProbes.record(code, ms),
  };
}

/** A sampling rate of exactly 0 takes tracing out altogether, as in Dapr; an unreadable one does not. */
export function isTracing({ tracing }: Configuration): boolean {
  return parseSamplingRate(tracing.samplingRate) !== 0;
}
