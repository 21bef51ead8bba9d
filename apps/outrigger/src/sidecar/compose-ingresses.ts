import type { AccessToken } from "@outrigger/access-token";
import type { HttpRequest, HttpResponse, IngressFactory, Middleware } from "@outrigger/core";
import { type IngressGrpcOptions, ingressGrpc, type RpcListener } from "@outrigger/ingress-grpc";
import { type IngressHttpOptions, ingressHttp } from "@outrigger/ingress-http";
import type { Metrics } from "@outrigger/metrics-prometheus";
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
  { env, log, metrics, pipeline, routes }: IngressParts,
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
    ...(metrics === undefined ? {} : httpListeners(metrics)),
  });
  return [composeGrpc(options, configuration, token, { log, metrics }), http];
}

function httpListeners(metrics: Metrics): Pick<IngressHttpOptions, "onRequest" | "onErrorCode"> {
  const { httpServer, errorCodes } = metrics;
  return {
    onRequest: (method, path, status, received, sent, ms) =>
      httpServer.record(method, path, status, received, sent, ms),
    ...(errorCodes === undefined ? {} : { onErrorCode: (code) => errorCodes.record(code) }),
  };
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
  { log, metrics }: Pick<PipelineParts, "log" | "metrics">,
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
    ...(metrics === undefined ? {} : grpcListeners(metrics)),
  });
}

/** For the API and for the port of other sidecars alike. */
export function grpcServerListener({ grpcServer }: Metrics): RpcListener {
  return (path, code, ms, received, sent) => grpcServer.record(path, code, ms, received, sent);
}

function grpcListeners(metrics: Metrics): Pick<IngressGrpcOptions, "onRpc" | "onErrorCode"> {
  const { errorCodes } = metrics;
  return {
    onRpc: grpcServerListener(metrics),
    ...(errorCodes === undefined ? {} : { onErrorCode: (code) => errorCodes.record(code) }),
  };
}

function withoutBrackets(address: string): string {
  return address.replace(/^\[(.*)\]$/, "$1");
}
