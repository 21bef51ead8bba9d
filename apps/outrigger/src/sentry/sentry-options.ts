import { isAbsolute } from "node:path";
import type { JwtSettings, Listen, OidcServerSettings } from "@outrigger/certificate-authority";
import type { FlagValues } from "../flags/flag-values.ts";
import type { Environment } from "../flags/validate-options.ts";

/** Where the authority runs. */
export type SentryMode = "standalone" | "kubernetes";

/** Everything that the command line of the authority decides, checked. */
export interface SentryOptions {
  readonly mode: SentryMode;
  readonly config: string;
  readonly trustDomain: string;
  readonly namespace: string;
  readonly credentialsFolder: string;
  readonly fileNames: {
    readonly trustAnchors: string;
    readonly issuerChain: string;
    readonly issuerKey: string;
    readonly jwtKey: string;
    readonly jwks: string;
  };
  readonly kubeconfig: string;
  readonly grpc: Listen;
  readonly healthz: Listen;
  readonly metrics: Listen | undefined;
  readonly jwt: JwtSettings | undefined;
  readonly oidc: OidcServerSettings | undefined;
}

/** @throws RangeError with Dapr's text where it has one. */
export function readSentryOptions(values: FlagValues, env: Environment): SentryOptions {
  const mode = readMode(values.text("mode"), env);
  const namespace = env.NAMESPACE ?? "default";
  if (mode === "kubernetes" && (env.NAMESPACE ?? "") === "") {
    throw new RangeError("'NAMESPACE' environment variable must be set in Kubernetes mode");
  }
  const jwt = readJwt(values);
  return {
    mode,
    config: values.text("config"),
    trustDomain: values.text("trust-domain"),
    namespace,
    credentialsFolder: values.text("issuer-credentials"),
    fileNames: readFileNames(values),
    kubeconfig: values.text("kubeconfig"),
    grpc: { host: values.text("listen-address"), port: readPort(values, "port") },
    healthz: {
      host: values.text("healthz-listen-address"),
      port: readPort(values, "healthz-port"),
    },
    metrics: readMetrics(values),
    jwt,
    oidc: jwt === undefined || !values.bool("oidc-enabled") ? undefined : readOidc(values),
  };
}

function readMode(text: string, env: Environment): SentryMode {
  if (text === "standalone" || text === "kubernetes") return text;
  if (text === "" && env.KUBERNETES_SERVICE_HOST !== undefined) return "kubernetes";
  throw new RangeError(`invalid mode: ${text}`);
}

/** The names of the two JWT files count only as absolute paths, as in Dapr. */
function readFileNames(values: FlagValues): SentryOptions["fileNames"] {
  const absolute = (flag: string, otherwise: string): string =>
    isAbsolute(values.text(flag)) ? values.text(flag) : otherwise;
  return {
    trustAnchors: values.text("issuer-ca-filename"),
    issuerChain: values.text("issuer-certificate-filename"),
    issuerKey: values.text("issuer-key-filename"),
    jwtKey: absolute("jwt-key-filename", "jwt.key"),
    jwks: absolute("jwks-filename", "jwks.json"),
  };
}

function readPort(values: FlagValues, flag: string): number {
  const port = Number(values.text(flag));
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new RangeError(`invalid value for '${flag}' option: ${values.text(flag)}`);
}

function readMetrics(values: FlagValues): Listen | undefined {
  if (!values.bool("enable-metrics")) return undefined;
  return { host: values.text("metrics-listen-address"), port: readPort(values, "metrics-port") };
}

function readJwt(values: FlagValues): JwtSettings | undefined {
  const issuer = values.text("jwt-issuer");
  if (!values.bool("jwt-enabled")) {
    if (issuer !== "") {
      throw new RangeError("jwt-issuer cannot be set when jwt-enabled is false");
    }
    return undefined;
  }
  const ttlMs = values.number("jwt-ttl");
  if (ttlMs <= 0) throw new RangeError("jwt-ttl must be positive");
  return {
    issuer: issuer || undefined,
    algorithm: values.text("jwt-signing-algorithm"),
    keyId: values.text("jwt-key-id") || undefined,
    ttlMs,
  };
}

function readOidc(values: FlagValues): OidcServerSettings {
  const certFile = values.text("oidc-server-tls-cert-file");
  const keyFile = values.text("oidc-server-tls-key-file");
  const secure = values.bool("oidc-server-tls-enabled");
  if (secure && (certFile === "" || keyFile === "")) {
    throw new RangeError(
      "oidc-server-tls-cert-file and oidc-server-tls-key-file are both required when oidc-server-tls-enabled is true",
    );
  }
  return {
    listen: {
      host: values.text("oidc-server-listen-address"),
      port: readPort(values, "oidc-server-listen-port"),
    },
    issuer: values.text("jwt-issuer") || undefined,
    jwksUri: values.text("oidc-jwks-uri") || undefined,
    pathPrefix: values.text("oidc-path-prefix") || undefined,
    allowedHosts: values.list("oidc-allowed-hosts"),
    tls: secure ? { certFile, keyFile } : undefined,
  };
}
