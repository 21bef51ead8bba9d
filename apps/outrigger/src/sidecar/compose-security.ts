import { existsSync, statSync } from "node:fs";
import { accessPolicy } from "@outrigger/access-policy";
import { OutriggerError, type RuntimeOptions } from "@outrigger/core";
import { identityFile } from "@outrigger/identity-file";
import {
  type CertificateOutcome,
  type IdentitySentryOptions,
  identitySentry,
} from "@outrigger/identity-sentry";
import type { Metrics } from "@outrigger/metrics-prometheus";
import type { Configuration } from "@outrigger/resources";
import type { TrustAnchorSource } from "@outrigger/spiffe";
import type { SidecarOptions } from "../flags/sidecar-options.ts";
import type { Environment } from "../flags/validate-options.ts";

/** Where Kubernetes puts the token for the authority, and the one of every pod. */
const projectedToken = "/var/run/secrets/dapr.io/sentrytoken/token";
const serviceAccountToken = "/var/run/secrets/kubernetes.io/serviceaccount/token";

/**
 * Identity and access policy: who this sidecar is, and who may call its app.
 * @throws OutriggerError `OTR_OPTIONS_INVALID` when a setting that mutual TLS needs is missing.
 */
export function composeSecurity(
  options: SidecarOptions,
  { accessControl }: Configuration,
  env: Environment,
  metrics?: Metrics,
): Pick<RuntimeOptions, "identity" | "accessPolicy"> {
  return {
    ...(options.enableMtls
      ? { identity: ownIdentity(options, env, metrics) }
      : refuseUnusedIdentity(env)),
    ...(accessControl === undefined ? {} : { accessPolicy: accessPolicy(accessControl) }),
  };
}

/** From the authority, or, beyond Dapr, from files that something else keeps fresh. */
function ownIdentity(
  options: SidecarOptions,
  env: Environment,
  metrics: Metrics | undefined,
): NonNullable<RuntimeOptions["identity"]> {
  const { OUTRIGGER_CERT_FILE: certificateFile, OUTRIGGER_KEY_FILE: keyFile } = env;
  if (!certificateFile && !keyFile) {
    const onCertificate = metrics && certificateListener(metrics);
    const listener = onCertificate === undefined ? {} : { onCertificate };
    return identitySentry({ ...authority(options, env), ...listener });
  }
  if (!certificateFile || !keyFile) {
    const missing = certificateFile ? "OUTRIGGER_KEY_FILE" : "OUTRIGGER_CERT_FILE";
    throw invalid(`${missing}: is required: a certificate in files takes both it and its key`);
  }
  return identityFile({ certificateFile, keyFile, trustAnchors: anchors(env) });
}

function certificateListener({ start }: Metrics): (outcome: CertificateOutcome) => void {
  return (outcome) => {
    if (outcome === "ready") start.mtlsReady();
    else if (outcome === "renewed") start.certificateRenewed();
    else start.renewalFailed(outcome);
  };
}

/** Files that nobody uses would leave plaintext where somebody meant to have none. */
function refuseUnusedIdentity({ OUTRIGGER_CERT_FILE, OUTRIGGER_KEY_FILE }: Environment): object {
  if (!OUTRIGGER_CERT_FILE && !OUTRIGGER_KEY_FILE) return {};
  const name = OUTRIGGER_CERT_FILE ? "OUTRIGGER_CERT_FILE" : "OUTRIGGER_KEY_FILE";
  throw invalid(`${name}: takes effect with --enable-mtls only: add the flag or unset it`);
}

function authority(options: SidecarOptions, env: Environment): IdentitySentryOptions {
  const { sentryAddress, controlPlaneTrustDomain, controlPlaneNamespace } = options;
  const trustAnchors = anchors(env);
  if (sentryAddress === "") throw invalid("--sentry-address: is required with --enable-mtls");
  return {
    address: sentryAddress,
    trustAnchors,
    controlPlaneTrustDomain,
    controlPlaneNamespace,
    jwtAudiences: options.sentryRequestJwtAudiences,
    ...(env.SENTRY_LOCAL_IDENTITY ? { requestedId: env.SENTRY_LOCAL_IDENTITY } : {}),
    ...credential(options, env),
  };
}

/** The environment holds the anchors; beyond Dapr it may name a file or a directory, which is watched. */
function anchors({ DAPR_TRUST_ANCHORS, DAPR_TRUST_ANCHORS_FILE }: Environment): TrustAnchorSource {
  if (DAPR_TRUST_ANCHORS) return { pem: DAPR_TRUST_ANCHORS };
  if (DAPR_TRUST_ANCHORS_FILE) {
    const isFolder = statSync(DAPR_TRUST_ANCHORS_FILE, { throwIfNoEntry: false })?.isDirectory();
    return isFolder ? { directory: DAPR_TRUST_ANCHORS_FILE } : { file: DAPR_TRUST_ANCHORS_FILE };
  }
  throw invalid("trust anchors are required: set DAPR_TRUST_ANCHORS to their PEM");
}

/** Which token is sent, and who checks it (Dapr `pkg/security/token`). */
function credential(
  { mode }: SidecarOptions,
  env: Environment,
): Pick<IdentitySentryOptions, "tokenFile" | "validator"> {
  const named = env.DAPR_SENTRY_TOKEN_FILE;
  const isKubernetes = mode === "kubernetes";
  if (named === "") throw invalid("DAPR_SENTRY_TOKEN_FILE: must not be empty");
  if (named !== undefined) {
    return { tokenFile: named, validator: isKubernetes ? "kubernetes" : "jwks" };
  }
  if (!isKubernetes) return {};
  const tokenFile = existsSync(projectedToken) ? projectedToken : serviceAccountToken;
  return { tokenFile, validator: "kubernetes" };
}

function invalid(message: string): OutriggerError {
  return new OutriggerError(message, { code: "OTR_OPTIONS_INVALID" });
}
