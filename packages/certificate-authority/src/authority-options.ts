import { type Logger, OutriggerError, parseOptions, silentLogger } from "@outrigger/core";
import { formatSpiffeId } from "@outrigger/spiffe";
import * as v from "valibot";
import type { JwtSettings } from "./jwt-issuer.ts";
import type { MaterialStore } from "./material-store.ts";
import type { OidcServerSettings } from "./servers/oidc-server.ts";
import type { Listen } from "./servers/small-http-server.ts";
import type { TokenValidator } from "./validators/token-validator.ts";

/** Options of `CertificateAuthority`. */
export interface CertificateAuthorityOptions {
  /** Trust domain of the authority. Default `localhost`. */
  readonly trustDomain?: string;
  /** Namespace of the authority. Default `default`. */
  readonly namespace?: string;
  /** Where keys and certificates are kept. Required. */
  readonly store: MaterialStore;
  /** Who decides on requests. Required. */
  readonly validators: readonly TokenValidator[];
  /** Number of the validator for requests that name none; 0 refuses them. Default 0. */
  readonly defaultValidator?: number;
  /** Life of issued certificates, in milliseconds. Default 24 hours. */
  readonly workloadCertTtlMs?: number;
  /** How far certificates reach back, in milliseconds. Default 15 minutes. */
  readonly allowedClockSkewMs?: number;
  /** Domain of the cluster's DNS. Default the trust domain. */
  readonly clusterDomain?: string | undefined;
  /** Where the gRPC server listens. Default all addresses, port 50001. */
  readonly grpc?: Listen;
  /** Where `/healthz` is served; absent = nowhere. */
  readonly healthz?: Listen | undefined;
  /** Where metrics are served; absent = nowhere. */
  readonly metrics?: Listen | undefined;
  /** Present: JWT SVIDs are issued as well. */
  readonly jwt?: JwtSettings | undefined;
  /** Present: OpenID Connect discovery is served. Needs `jwt`. */
  readonly oidc?: OidcServerSettings | undefined;
  /** How long changes of files are collected, in milliseconds. Default 2000. */
  readonly reloadBatchMs?: number;
  /** Default none. */
  readonly log?: Logger;
  /** Milliseconds since the epoch. Default `Date.now`. */
  readonly now?: () => number;
}

/** Options with their defaults. */
export interface Settings {
  readonly trustDomain: string;
  readonly namespace: string;
  readonly spiffeId: string;
  readonly clusterDomain: string;
  readonly store: MaterialStore;
  readonly validators: readonly TokenValidator[];
  readonly defaultValidator: number;
  readonly workloadCertTtlMs: number;
  readonly allowedClockSkewMs: number;
  readonly grpc: Listen;
  readonly healthz: Listen | undefined;
  readonly metricsListen: Listen | undefined;
  readonly jwt: JwtSettings | undefined;
  readonly oidc: OidcServerSettings | undefined;
  readonly batchMs: number | undefined;
  readonly log: Logger;
  readonly now: () => number;
}

const optionsSchema = v.strictObject({
  trustDomain: v.optional(v.string("must be a string"), "localhost"),
  namespace: v.optional(v.string("must be a string"), "default"),
  defaultValidator: v.optional(v.number("must be a number"), 0),
  workloadCertTtlMs: v.optional(v.pipe(v.number(), v.minValue(1, "must be positive")), 86_400_000),
  allowedClockSkewMs: v.optional(
    v.pipe(v.number(), v.minValue(0, "must not be negative")),
    900_000,
  ),
  clusterDomain: v.optional(v.string("must be a string")),
  reloadBatchMs: v.optional(v.pipe(v.number(), v.minValue(1, "must be positive"))),
});

/** @throws OutriggerError `OTR_OPTIONS_INVALID`. */
export function readOptions(options: CertificateAuthorityOptions): Settings {
  const { store, validators, grpc, healthz, metrics, jwt, oidc, log, now, ...plain } = options;
  const parsed = parseOptions("certificate-authority", optionsSchema, plain);
  const { trustDomain, namespace, reloadBatchMs: batchMs } = parsed;
  const spiffeId = formatSpiffeId({ trustDomain, namespace, appId: "dapr-sentry" });
  if (spiffeId === undefined) {
    throw invalid(`trust domain "${trustDomain}" and namespace "${namespace}" give no SPIFFE id`);
  }
  if (oidc !== undefined && jwt === undefined) throw invalid("oidc needs jwt");
  return {
    ...parsed,
    spiffeId,
    clusterDomain: parsed.clusterDomain ?? trustDomain,
    store,
    validators,
    grpc: grpc ?? { host: "", port: 50_001 },
    healthz,
    metricsListen: metrics,
    jwt,
    oidc,
    batchMs,
    log: log ?? silentLogger,
    now: now ?? Date.now,
  };
}

function invalid(message: string): OutriggerError {
  return new OutriggerError(`certificate-authority: ${message}`, { code: "OTR_OPTIONS_INVALID" });
}
