import { bool, int, list, text } from "./flag-builders.ts";
import type { FlagSpec } from "./flag-spec.ts";
import { ignoredFlags } from "./ignored-flags.ts";

const identityFlags: readonly FlagSpec[] = [
  text("app-id", "", "Name under which other apps call this one; required"),
  text("mode", "standalone", "Where the sidecar runs: standalone or kubernetes"),
  text("app-port", "", "Port on which the app listens; without it, nobody can call the app"),
  text("app-protocol", "http", "How to speak to the app: http, https, h2c, grpc or grpcs"),
  text("app-channel-address", "127.0.0.1", "Host on which the app listens"),
  {
    name: "app-max-concurrency",
    type: "int",
    default: -1,
    help: "Most calls that the app gets at the same time; -1 means no limit",
  },
  { ...bool("app-ssl", ""), deprecated: "use '--app-protocol https|grpcs'" },
];

const listenerFlags: readonly FlagSpec[] = [
  text("dapr-http-port", "3500", "Port of the HTTP API"),
  text("dapr-grpc-port", "50001", "Port of the gRPC API"),
  text("dapr-internal-grpc-port", "", "Port for other sidecars; a stable one is chosen by default"),
  text("dapr-internal-grpc-listen-address", "", "Address to bind for other sidecars"),
  text("dapr-listen-addresses", "", "Addresses to bind for the two APIs, separated by commas"),
  text("dapr-public-port", "", "Port of an extra server with health and metadata only"),
  text("dapr-public-listen-address", "", "Address to bind for the public port"),
  text("unix-domain-socket", "", "Directory for the sockets that replace the two API ports"),
  text("max-body-size", "4Mi", "Largest request body, as a quantity such as 4Mi"),
  text("read-buffer-size", "4Ki", "Largest request header, as a quantity such as 4Ki"),
  {
    name: "dapr-http-max-request-size",
    type: "int",
    default: 4,
    help: "",
    deprecated: "use '--max-body-size 4Mi'",
  },
  {
    name: "dapr-http-read-buffer-size",
    type: "int",
    default: 4,
    help: "",
    deprecated: "use '--read-buffer-size 4Ki'",
  },
  text(
    "allowed-origins",
    "",
    "Origins that browsers may call from, separated by commas; * for all",
  ),
];

const fileFlags: readonly FlagSpec[] = [
  list("config", "Configuration file; give it again to merge several"),
  list("resources-path", "Directory with resource files; may be given again"),
  { ...text("components-path", "", ""), deprecated: "use --resources-path" },
  {
    name: "hot-reload-reconcile-interval",
    type: "duration",
    default: 0,
    help: "How often resources are read again in full; 0 means every 60s",
  },
];

const securityFlags: readonly FlagSpec[] = [
  bool("enable-mtls", "Encrypt and authenticate calls between sidecars"),
  text("sentry-address", "", "Address of the certificate authority"),
  list("sentry-request-jwt-audiences", "Audiences to ask for in the certificate request"),
  { ...text("control-plane-address", "", "Address of the operator"), later: "Kubernetes mode" },
  text("control-plane-trust-domain", "localhost", "Trust domain of the control plane"),
  text("control-plane-namespace", "default", "Namespace of the control plane"),
  {
    ...bool("disable-builtin-k8s-secret-store", "Do without the cluster's own secret store"),
    later: "Kubernetes mode",
  },
];

const lifecycleFlags: readonly FlagSpec[] = [
  bool("enable-app-health-check", "Probe the app, and refuse calls to it while it is unhealthy"),
  text("app-health-check-path", "/healthz", "Path of the probe, for apps that speak HTTP"),
  int("app-health-probe-interval", 5, "Seconds between two probes"),
  int("app-health-probe-timeout", 500, "Milliseconds that a probe may take"),
  int("app-health-threshold", 3, "Failed probes after which the app counts as unhealthy"),
  int(
    "dapr-graceful-shutdown-seconds",
    5,
    "Seconds that calls get to end at shutdown; 0 means no limit",
  ),
  {
    name: "dapr-block-shutdown-duration",
    type: "duration",
    default: 0,
    help: "How long to keep serving after the signal, while the app is healthy",
  },
  list("disable-init-endpoints", "Requests to the app to leave out at start: config, subscribe"),
];

const observabilityFlags: readonly FlagSpec[] = [
  text("log-level", "info", "Least severe lines to log: debug, info, warn, error or fatal"),
  bool("log-as-json", "Log one JSON object per line"),
  text("log-file", "", "File to log to, instead of standard output"),
  bool("enable-api-logging", "Log every call of the APIs"),
  bool("enable-metrics", "Serve metrics", true),
  text("metrics-port", "9090", "Port of the metrics server"),
  text("metrics-listen-address", "0.0.0.0", "Address to bind for the metrics server"),
  { ...bool("enable-profiling", "Serve profiles of the process"), later: "profiling" },
  text("profile-port", "7777", "Port of the profiling server"),
];

const specialFlags: readonly FlagSpec[] = [
  bool("version", "Print the version and exit"),
  bool("build-info", "Print facts about the build and exit"),
  bool("wait", "Wait until a sidecar on this host is ready for outbound calls, and exit"),
];

/** Every flag of the sidecar: Dapr's own, name by name. */
export const sidecarFlags: readonly FlagSpec[] = [
  ...identityFlags,
  ...listenerFlags,
  ...fileFlags,
  ...securityFlags,
  ...lifecycleFlags,
  ...observabilityFlags,
  ...specialFlags,
  ...ignoredFlags,
];
