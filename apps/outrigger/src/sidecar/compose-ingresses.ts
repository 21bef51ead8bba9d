import { join } from "node:path";
import type { IngressFactory, Logger } from "@outrigger/core";
import { ingressHttp } from "@outrigger/ingress-http";
import type { Configuration } from "@outrigger/resources";
import type { SidecarOptions } from "../flags/sidecar-options.ts";
import type { Environment } from "../flags/validate-options.ts";
import { httpApiLog } from "./api-logging.ts";
import { apiRules } from "./api-rules.ts";

/** Values that Dapr takes for true in environment variables. */
const truthy = /^(?:y|yes|true|t|on|1)$/i;

/** The APIs that the app calls. */
export function composeIngresses(
  options: SidecarOptions,
  configuration: Configuration,
  env: Environment,
  log: Logger,
): readonly IngressFactory[] {
  const { unixDomainSocket, publicPort } = options;
  const onApiCall = httpApiLog(options, configuration, log);
  const http = ingressHttp({
    hosts: options.listenAddresses.map(withoutBrackets),
    port: options.httpPort,
    maxBodyBytes: options.maxBodyBytes,
    maxHeaderBytes: options.maxHeaderBytes,
    allowedOrigins: options.allowedOrigins,
    disableHttp2: truthy.test(env.DAPR_HTTP_DISABLE_H2C ?? ""),
    isAllowed: apiRules(configuration.api, "http"),
    traceContext: Number(configuration.tracing.samplingRate || "1") !== 0,
    ...(unixDomainSocket === undefined
      ? {}
      : { unixSocketPath: join(unixDomainSocket, `dapr-${options.appId}-http.socket`) }),
    ...(publicPort === undefined
      ? {}
      : { publicPort, publicHost: withoutBrackets(options.publicListenAddress) }),
    ...(onApiCall === undefined ? {} : { onApiCall }),
  });
  return [http];
}

function withoutBrackets(address: string): string {
  return address.replace(/^\[(.*)\]$/, "$1");
}
