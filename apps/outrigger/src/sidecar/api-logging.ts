import type { Logger } from "@outrigger/core";
import type { ApiCallRecord } from "@outrigger/ingress-grpc";
import type { ApiCall } from "@outrigger/ingress-http";
import type { Configuration } from "@outrigger/resources";
import type { SidecarOptions } from "../flags/sidecar-options.ts";
import { isLeveled } from "./leveled-log.ts";

/**
 * Dapr's log line for each HTTP call, when the flag or the Configuration asks for it; the flag
 * wins. The lines appear whatever the log level is.
 */
export function httpApiLog(
  options: SidecarOptions,
  { apiLogging }: Configuration,
  log: Logger,
): ((call: ApiCall) => void) | undefined {
  const { enabled, obfuscateUrls, omitHealthChecks } = apiLogging;
  if (!(options.enableApiLogging ?? enabled)) return undefined;
  const lines = atEveryLevel(log.scope("dapr.runtime.http-info"));
  return (call) => {
    if (omitHealthChecks && call.isHealth) return;
    lines.log("info", "HTTP API Called", {
      method: obfuscateUrls ? call.routeName : `${call.method} ${call.path}`,
      ...(call.userAgent === "" ? {} : { useragent: call.userAgent }),
      code: call.code,
      size: call.sizeBytes,
      duration: Math.round(call.durationMs),
    });
  };
}

/** The same for the gRPC API. */
export function grpcApiLog(
  options: SidecarOptions,
  { apiLogging }: Configuration,
  log: Logger,
): ((call: ApiCallRecord) => void) | undefined {
  if (!(options.enableApiLogging ?? apiLogging.enabled)) return undefined;
  const lines = atEveryLevel(log.scope("dapr.runtime.grpc.api-info"));
  return ({ method, userAgent, durationMs, code }) => {
    lines.log("info", "gRPC API Called", {
      method,
      ...(userAgent ? { useragent: userAgent } : {}),
      // Dapr counts whole milliseconds that have passed.
      duration: Math.floor(durationMs),
      code,
    });
  };
}

function atEveryLevel(log: Logger): Logger {
  return isLeveled(log) ? log.withLevel("info") : log;
}
