import { homedir } from "node:os";
import { join } from "node:path";
import { bool, int, text } from "../flags/flag-builders.ts";
import type { FlagSpec } from "../flags/flag-spec.ts";

const authorityFlags: readonly FlagSpec[] = [
  text(
    "config",
    "daprsystem",
    "Configuration file; in kubernetes mode the name of a Configuration",
  ),
  text("mode", "standalone", "Where the authority runs: standalone or kubernetes"),
  text("trust-domain", "localhost", "Trust domain of the authority and the control plane"),
  text(
    "issuer-credentials",
    "/var/run/secrets/dapr.io/credentials",
    "Folder with the roots, the issuer and its key; they are made when one is missing",
  ),
  text("issuer-ca-filename", "ca.crt", "File of the roots"),
  text("issuer-certificate-filename", "issuer.crt", "File of the issuer's chain"),
  text("issuer-key-filename", "issuer.key", "File of the issuer's key"),
  text("kubeconfig", join(homedir(), ".kube", "config"), "Access to the cluster from outside"),
];

const listenerFlags: readonly FlagSpec[] = [
  int("port", 50_001, "Port of the gRPC API"),
  text("listen-address", "", "Address to bind for the gRPC API; all by default"),
  int("healthz-port", 8_080, "Port of the health endpoint"),
  text("healthz-listen-address", "", "Address to bind for the health endpoint; all by default"),
  bool("enable-metrics", "Serve metrics", true),
  text("metrics-port", "9090", "Port of the metrics server"),
  text("metrics-listen-address", "0.0.0.0", "Address to bind for the metrics server"),
];

const jwtFlags: readonly FlagSpec[] = [
  bool("jwt-enabled", "Issue JWT SVIDs beside certificates"),
  text("jwt-key-filename", "jwt.key", "File of the key that signs tokens"),
  text("jwks-filename", "jwks.json", "File of the key set that is published"),
  text("jwt-issuer", "", "Claim iss of tokens"),
  text("jwt-signing-algorithm", "RS256", "RS, PS or ES with 256, 384 or 512, or EdDSA"),
  text("jwt-key-id", "", "Key id in tokens; the key's thumbprint by default"),
  { name: "jwt-ttl", type: "duration", default: 86_400_000, help: "Life of a token" },
  bool("oidc-enabled", "Serve OpenID Connect discovery; needs --jwt-enabled"),
  text("oidc-server-listen-address", "localhost", "Address to bind for discovery"),
  int("oidc-server-listen-port", 9_080, "Port of discovery"),
  bool("oidc-server-tls-enabled", "Serve discovery over TLS", true),
  text("oidc-server-tls-cert-file", "", "Certificate of the discovery server"),
  text("oidc-server-tls-key-file", "", "Key of the discovery server"),
  text("oidc-jwks-uri", "", "Address of the key set, when it is not this server"),
  text("oidc-path-prefix", "", "Path before the routes of discovery"),
  {
    name: "oidc-allowed-hosts",
    type: "strings",
    default: [],
    help: "Hosts that discovery answers for",
  },
];

const logFlags: readonly FlagSpec[] = [
  text("log-level", "info", "Least severe lines to log: debug, info, warn, error or fatal"),
  bool("log-as-json", "Log one JSON object per line"),
];

/** Every flag of the certificate authority: those of Dapr's Sentry, name by name. */
export const sentryFlags: readonly FlagSpec[] = [
  ...authorityFlags,
  ...listenerFlags,
  ...jwtFlags,
  ...logFlags,
];
