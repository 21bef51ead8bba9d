import type { AccessToken } from "@outrigger/access-token";
import type {
  HttpRequest,
  HttpResponse,
  IngressFactory,
  Logger,
  Middleware,
} from "@outrigger/core";
import { ingressGrpc } from "@outrigger/ingress-grpc";
import { ingressHttp } from "@outrigger/ingress-http";
import type { Configuration } from "@outrigger/resources";
import type { SidecarOptions } from "../flags/sidecar-options.ts";
import { grpcApiLog, httpApiLog } from "./api-logging.ts";
import { type ApiGroup, apiRules, grpcApiRules } from "./api-rules.ts";
import { apiSockets } from "./api-sockets.ts";
import { apiToken, grpcAuthentication } from "./api-token.ts";
import { isTracing } from "./compose-app.ts";
import type { PipelineParts } from "./compose-components.ts";

/** Values that Dapr takes for true in environment variables. */
const truthy = /^(?:y|yes|true|t|on|1)$/i;

/** What the APIs are made of. */
export interface IngressParts extends PipelineParts {
  /** Routes beside Dapr's; the token is checked before. */
  readonly routes: Middleware<HttpRequest, HttpResponse>;
}

/** The APIs that the app calls. */
export function composeIngresses(
  options: SidecarOptions,
  configuration: Configuration,
  { env, log, pipeline, routes }: IngressParts,
): readonly IngressFactory[] {
  const { publicPort } = options;
  const sockets = apiSockets(options);
  const onApiCall = httpApiLog(options, configuration, log);
  const token = apiToken(env);
  const http = ingressHttp({
    hosts: options.listenAddresses.map(withoutBrackets),
    port: options.httpPort,
    maxBodyBytes: options.maxBodyBytes,
    maxHeaderBytes: options.maxHeaderBytes,
    allowedOrigins: options.allowedOrigins,
    disableHttp2: truthy.test(env.DAPR_HTTP_DISABLE_H2C ?? ""),
    isAllowed: apiRules(configuration.api, "http"),
    traceContext: isTracing(configuration),
    guards: [...(token === undefined ? [] : [token.httpGuard]), routes],
    ...(sockets === undefined ? {} : { unixSocketPath: sockets.http }),
    ...(publicPort === undefined
      ? {}
      : { publicPort, publicHost: withoutBrackets(options.publicListenAddress) }),
    ...(onApiCall === undefined ? {} : { onApiCall }),
    ...(pipeline === undefined ? {} : { pipeline }),
  });
  return [composeGrpc(options, configuration, token, log), http];
}

/** Methods of Dapr's gRPC API by the groups that rules speak of. */
const grpcGroups: Readonly<Record<string, ApiGroup>> = {
  "/dapr.proto.runtime.v1.Dapr/InvokeService": "invoke",
  "/dapr.proto.runtime.v1.Dapr/GetMetadata": "metadata",
  "/dapr.proto.runtime.v1.Dapr/SetMetadata": "metadata",
  "/dapr.proto.runtime.v1.Dapr/Shutdown": "shutdown",
};

function composeGrpc(
  options: SidecarOptions,
  configuration: Configuration,
  token: AccessToken | undefined,
  log: Logger,
): IngressFactory {
  const sockets = apiSockets(options);
  const isGroupAllowed = grpcApiRules(configuration.api);
  const onApiCall = grpcApiLog(options, configuration, log);
  return ingressGrpc({
    hosts: options.listenAddresses.map(withoutBrackets),
    port: options.grpcPort,
    maxMessageBytes: Math.max(0, options.maxBodyBytes),
    // Dapr counts the header limit twice in KiB here (`pkg/api/grpc/server.go`).
    maxHeaderListBytes: Math.max(1_024, options.maxHeaderBytes * 1_024),
    isAllowed: (path) => isGroupAllowed(grpcGroups[path]),
    tracing: isTracing(configuration),
    ...(token === undefined ? {} : { authenticate: grpcAuthentication(token) }),
    ...(sockets === undefined ? {} : { unixSocketPath: sockets.grpc }),
    ...(onApiCall === undefined ? {} : { onApiCall }),
  });
}

function withoutBrackets(address: string): string {
  return address.replace(/^\[(.*)\]$/, "$1");
}
