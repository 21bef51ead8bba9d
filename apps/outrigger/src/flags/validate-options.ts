import { type AppProtocol, errorText, OutriggerError } from "@outrigger/core";
import type { FlagValues } from "./flag-values.ts";
import { parseGoDecimal } from "./go-numbers.ts";
import type { SidecarCommandLine } from "./read-command-line.ts";
import type { AppHealthOptions, SidecarMode, SidecarOptions } from "./sidecar-options.ts";

/** Environment variables, handed in so that this stays a function of its arguments. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Checks the flags against each other, in the order in which Dapr does: the first mistake is the
 * one that is named. Dapr gets its certificate before it comes here.
 * @throws OutriggerError `OTR_OPTIONS_INVALID` with Dapr's text.
 */
export function validateOptions(line: SidecarCommandLine, env: Environment): SidecarOptions {
  const { values } = line;
  const mode = readMode(values.text("mode"));
  const appId = readAppId(values.text("app-id"), mode);
  const ports = readPorts(values);
  const protocol = readProtocol(values);
  return {
    mode,
    appId,
    ...ports,
    ...protocol,
    disabledInitEndpoints: readInitEndpoints(values.list("disable-init-endpoints")),
    appHealth: readAppHealth(values),
    metrics: readMetrics(values),
    appChannelAddress: values.text("app-channel-address"),
    appMaxConcurrency: Math.max(0, values.number("app-max-concurrency")),
    internalGrpcListenAddress: values.text("dapr-internal-grpc-listen-address"),
    listenAddresses: values.text("dapr-listen-addresses").split(","),
    publicListenAddress: values.text("dapr-public-listen-address"),
    unixDomainSocket: values.text("unix-domain-socket") || undefined,
    configFiles: values.list("config"),
    resourcesPaths: readResourcesPaths(values),
    maxBodyBytes: line.maxBodyBytes,
    maxHeaderBytes: line.maxHeaderBytes,
    allowedOrigins: values.text("allowed-origins") ? values.text("allowed-origins").split(",") : [],
    enableApiLogging: values.given("enable-api-logging")
      ? values.bool("enable-api-logging")
      : undefined,
    enableMtls: values.bool("enable-mtls"),
    sentryAddress: values.text("sentry-address"),
    sentryRequestJwtAudiences: values.list("sentry-request-jwt-audiences"),
    controlPlaneAddress: values.text("control-plane-address"),
    controlPlaneTrustDomain: withFallback(values, "control-plane-trust-domain", env),
    controlPlaneNamespace: withFallback(values, "control-plane-namespace", env),
    disableBuiltinK8sSecretStore: values.bool("disable-builtin-k8s-secret-store"),
    gracefulShutdownMs: readGracefulShutdown(values.number("dapr-graceful-shutdown-seconds")),
    blockShutdownMs: values.given("dapr-block-shutdown-duration")
      ? values.number("dapr-block-shutdown-duration")
      : undefined,
    hotReloadReconcileMs: values.number("hot-reload-reconcile-interval") || 60_000,
  };
}

function invalid(message: string, cause?: unknown): OutriggerError {
  return new OutriggerError(message, { code: "OTR_OPTIONS_INVALID", cause });
}

function readMode(mode: string): SidecarMode {
  if (mode === "standalone" || mode === "kubernetes") return mode;
  throw invalid(`invalid mode: ${mode}`);
}

function readAppId(appId: string, mode: SidecarMode): string {
  // In Kubernetes the injector vouches for the id, and Dapr does not look again.
  if (mode === "kubernetes") return appId;
  if (appId === "") throw invalid("parameter app-id cannot be empty");
  if (appId.includes(".")) throw invalid("parameter app-id cannot contain dots");
  return appId;
}

function readPorts(
  values: FlagValues,
): Pick<
  SidecarOptions,
  "httpPort" | "grpcPort" | "profiling" | "internalGrpcPort" | "publicPort" | "appPort"
> {
  const httpPort = readPort(values, "dapr-http-port", "dapr-http-port flag");
  const grpcPort = readPort(values, "dapr-grpc-port", "dapr-grpc-port flag");
  const profilePort = readPort(values, "profile-port", "profile-port flag");
  const internalGrpcPort = readOptionalPort(values, "dapr-internal-grpc-port");
  const publicPort = readOptionalPort(values, "dapr-public-port");
  const appPort = readOptionalPort(values, "app-port") ?? 0;
  // An unset app port counts as 0 here, so "--dapr-http-port 0" without an app is refused.
  rejectConflict("dapr-http-port", httpPort, appPort);
  rejectConflict("dapr-grpc-port", grpcPort, appPort);
  return {
    httpPort,
    grpcPort,
    profiling: { enabled: values.bool("enable-profiling"), port: profilePort },
    internalGrpcPort: internalGrpcPort === 0 ? undefined : internalGrpcPort,
    publicPort,
    appPort,
  };
}

function readPort(values: FlagValues, name: string, label: string): number {
  try {
    return parseGoDecimal(values.text(name));
  } catch (cause) {
    throw invalid(`error parsing ${label}: ${errorText(cause)}`, cause);
  }
}

function readOptionalPort(values: FlagValues, name: string): number | undefined {
  return values.text(name) === "" ? undefined : readPort(values, name, name);
}

function rejectConflict(name: string, port: number, appPort: number): void {
  if (port === appPort) {
    throw invalid(`the '${name}' argument value ${port} conflicts with 'app-port'`);
  }
}

const protocols: readonly AppProtocol[] = ["http", "https", "h2c", "grpc", "grpcs"];

function readProtocol(values: FlagValues): Pick<SidecarOptions, "appProtocol" | "warnings"> {
  const given = values.text("app-protocol");
  const name = given === "" ? "http" : given.toLowerCase();
  const protocol = protocols.find((candidate) => candidate === name);
  if (protocol === undefined) throw invalid(`invalid value for 'app-protocol': ${given}`);
  const secure = ({ http: "https", grpc: "grpcs" } as const)[name];
  if (!values.bool("app-ssl") || secure === undefined) {
    return { appProtocol: protocol, warnings: [] };
  }
  return {
    appProtocol: secure,
    warnings: [`The 'app-ssl' flag is deprecated; use 'app-protocol=${secure}' instead`],
  };
}

function readInitEndpoints(names: readonly string[]): SidecarOptions["disabledInitEndpoints"] {
  const disabled = new Set<string>();
  for (const name of names) {
    const known = name.trim().toLowerCase();
    if (known === "") continue;
    if (known !== "config" && known !== "subscribe") {
      throw invalid(`invalid value for 'disable-init-endpoints': ${name}`);
    }
    disabled.add(known);
  }
  return { config: disabled.has("config"), subscribe: disabled.has("subscribe") };
}

function readAppHealth(values: FlagValues): AppHealthOptions | undefined {
  if (!values.bool("enable-app-health-check")) return undefined;
  const interval = values.number("app-health-probe-interval");
  const timeout = values.number("app-health-probe-timeout");
  const threshold = values.number("app-health-threshold");
  const intervalMs = (interval > 0 ? interval : 5) * 1_000;
  const timeoutMs = timeout > 0 ? timeout : 500;
  if (timeoutMs > intervalMs) {
    throw invalid("value for 'health-probe-timeout' must be smaller than 'health-probe-interval'");
  }
  return {
    path: values.text("app-health-check-path"),
    intervalMs,
    timeoutMs,
    threshold: threshold < 1 ? 3 : threshold,
  };
}

function readMetrics(values: FlagValues): SidecarOptions["metrics"] {
  const enabled = values.bool("enable-metrics");
  const listenAddress = values.text("metrics-listen-address");
  if (!enabled) return { enabled, port: 0, listenAddress };
  try {
    return { enabled, port: parseGoDecimal(values.text("metrics-port")), listenAddress };
  } catch (cause) {
    throw invalid(`failed to parse metrics port: ${errorText(cause)}`, cause);
  }
}

function readResourcesPaths(values: FlagValues): readonly string[] {
  const paths = values.list("resources-path");
  const old = values.text("components-path");
  return paths.length > 0 || old === "" ? paths : [old];
}

function readGracefulShutdown(seconds: number): number | undefined {
  if (seconds === 0) return undefined;
  return seconds < 0 ? 5_000 : seconds * 1_000;
}

/** Dapr reads the environment only where the flag is absent. */
function withFallback(values: FlagValues, name: string, env: Environment): string {
  const variable =
    name === "control-plane-namespace"
      ? "DAPR_CONTROLPLANE_NAMESPACE"
      : "DAPR_CONTROLPLANE_TRUST_DOMAIN";
  const fallback = env[variable];
  return values.given(name) || fallback === undefined ? values.text(name) : fallback;
}
