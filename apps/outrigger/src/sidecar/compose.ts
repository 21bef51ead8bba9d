import { hostname } from "node:os";
import type { Logger, RuntimeOptions, SidecarDescription } from "@outrigger/core";
import { enabledFeatures } from "@outrigger/resources";
import { type TransportGrpcOptions, transportGrpc } from "@outrigger/transport-grpc";
import type { SidecarOptions } from "../flags/sidecar-options.ts";
import { COMPATIBLE_DAPR_VERSION } from "../flags/version.ts";
import { Observation } from "../observe/observation.ts";
import { chooseBalancer } from "../resolvers/choose-balancer.ts";
import { chooseResolver } from "../resolvers/choose-resolver.ts";
import { apiSockets, removeStaleSocket } from "./api-sockets.ts";
import { composeApp } from "./compose-app.ts";
import { composeComponents } from "./compose-components.ts";
import { composeEgress } from "./compose-egress.ts";
import { composeIngresses, grpcServerListener } from "./compose-ingresses.ts";
import { composeMetrics } from "./compose-metrics.ts";
import { composeResiliency } from "./compose-resiliency.ts";
import { composeSecurity } from "./compose-security.ts";
import { composeTracing } from "./compose-tracing.ts";
import { hostAddress } from "./host-address.ts";
import type { LiveComponents } from "./live-components.ts";
import { ownEnvironment } from "./own-environment.ts";
import type { SidecarResources } from "./read-resources.ts";
import { requireBindable } from "./require-bindable.ts";
import { stablePort } from "./stable-port.ts";

/** What composing needs beside options and resources. */
export interface ComposeParts {
  /** Gets what the sidecar adds to its own environment. */
  readonly env: Record<string, string | undefined>;
  readonly log: Logger;
}

/** A sidecar that is not started. */
export interface ComposedSidecar {
  readonly runtime: RuntimeOptions;
  /** What changes while it runs. */
  readonly components: LiveComponents;
}

/** Chooses and configures every component of a sidecar. */
export async function composeSidecar(
  options: SidecarOptions,
  resources: SidecarResources,
  { env, log }: ComposeParts,
): Promise<ComposedSidecar> {
  requireBindable(options);
  const { configuration } = resources;
  const { metrics, server: metricsServer } = composeMetrics(options, configuration, log);
  const features = enabledFeatures(configuration.features);
  log.log("info", `Enabled features: ${features.join(" ")}`);
  const tracer = composeTracing(configuration.tracing, env);
  const resolver = await chooseResolver(configuration, options, log);
  if (resolver !== undefined && isChosen(configuration, options)) {
    metrics?.start.componentLoaded();
    metrics?.start.componentInitialized("nameResolution");
  }
  const balancer = await chooseBalancer(configuration);
  const host = await hostAddress(env, options.internalGrpcListenAddress);
  log.log("debug", `peers are told to dial ${host}`);
  const server = await internalServer(options);
  Object.assign(env, ownEnvironment(options, host, server.port ?? 0));
  const sockets = apiSockets(options);
  if (sockets !== undefined) await Promise.all(Object.values(sockets).map(removeStaleSocket));
  const components = await composeComponents(options, resources, env, { log, metrics });
  const { middleware, secrets } = components;
  const { httpPipeline, appHttpPipeline } = middleware;
  const observation = new Observation(options, resources, env);
  const ingressParts = { env, log, metrics, pipeline: httpPipeline, routes: observation.routes };
  const runtime = observation.attach({
    ...composeApp(options, configuration, { env, log, metrics, pipeline: appHttpPipeline }),
    ...composeSecurity(options, configuration, env, metrics),
    ...composeEgress(options, resources, { env, log, metrics, pipeline: appHttpPipeline, secrets }),
    ...(await composeResiliency(options, resources, { log, metrics })),
    ...tracer,
    appId: options.appId,
    namespace: env.NAMESPACE ?? "default",
    transport: transportGrpc({
      ...server,
      ...(metrics === undefined ? {} : { onRpc: grpcServerListener(metrics) }),
    }),
    ...(resolver === undefined ? {} : { resolver }),
    ...(balancer === undefined ? {} : { balancer }),
    ingresses: composeIngresses(options, configuration, ingressParts),
    companions: [
      ...(metricsServer === undefined ? [] : [metricsServer]),
      middleware,
      ...observation.companions(log),
    ],
    ...(metrics === undefined ? {} : { telemetry: [metrics.telemetry] }),
    host,
    hostname: hostname(),
    httpPort: options.httpPort,
    description: describeSidecar(options, resources, features),
    components: () => components.descriptions(),
    log,
    ...(options.appHealth === undefined ? {} : { appHealth: options.appHealth }),
  });
  return { runtime, components };
}

/**
 * Dapr's dashboards list the sidecars that have loaded a component. In Kubernetes, where they are
 * used, and where a resolver was chosen, that is one; the default of a machine is none, as in Dapr.
 */
function isChosen(
  { nameResolution }: SidecarResources["configuration"],
  { mode }: SidecarOptions,
): boolean {
  return (
    mode === "kubernetes" || nameResolution.component !== "" || nameResolution.members !== undefined
  );
}

async function internalServer(options: SidecarOptions): Promise<TransportGrpcOptions> {
  const { appId, internalGrpcPort, internalGrpcListenAddress, maxBodyBytes } = options;
  const uid = process.getuid?.() ?? -1;
  const preferred = { appId, cwd: process.cwd(), uid, hostname: hostname() };
  return {
    host: internalGrpcListenAddress.replace(/^\[(.*)\]$/, "$1"),
    port: internalGrpcPort ?? (await stablePort(preferred)),
    // Another instance of the same app may take the preferred port first.
    fallbackToFreePort: internalGrpcPort === undefined,
    bindRetryMs: 10_000,
    // Dapr counts the header limit twice in KiB here (`pkg/api/grpc/server.go`); peers rely on the size.
    maxHeaderListBytes: Math.max(1_024, options.maxHeaderBytes * 1_024),
    maxMessageBytes: Math.max(0, maxBodyBytes),
  };
}

function describeSidecar(
  options: SidecarOptions,
  { loaded }: SidecarResources,
  features: readonly string[],
): SidecarDescription {
  const { appHealth } = options;
  const { path, ...timing } = appHealth ?? { path: "", intervalMs: 0, timeoutMs: 0, threshold: 0 };
  const isHttp = !options.appProtocol.startsWith("grpc");
  const health = { ...timing, ...(isHttp ? { path } : {}) };
  return {
    runtimeVersion: COMPATIBLE_DAPR_VERSION,
    enabledFeatures: features,
    components: [],
    httpEndpoints: (loaded?.httpEndpoints ?? []).map(({ name }) => name),
    resiliencies: [...new Set((loaded?.resiliencies ?? []).map(({ name }) => name))],
    appConnection: {
      port: options.appPort,
      protocol: options.appProtocol,
      channelAddress: options.appChannelAddress,
      maxConcurrency: options.appMaxConcurrency,
      ...(appHealth === undefined ? {} : { health }),
    },
  };
}
