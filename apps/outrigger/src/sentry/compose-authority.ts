import {
  authoritySpiffeId,
  CertificateAuthority,
  fileStore,
} from "@outrigger/certificate-authority";
import type { Logger } from "@outrigger/core";
import { loadConfiguration, type MtlsSpec } from "@outrigger/resources";
import type { Environment } from "../flags/validate-options.ts";
import { chooseValidators } from "./choose-validators.ts";
import type { SentryOptions } from "./sentry-options.ts";

/** @throws OutriggerError or RangeError when the authority cannot be made. */
export async function composeAuthority(
  options: SentryOptions,
  env: Environment,
  log: Logger,
): Promise<CertificateAuthority> {
  const spiffeId = authoritySpiffeId(options.trustDomain, options.namespace);
  const mtls = await readMtls(options, env, log);
  const choice = { kubernetes: undefined, configured: mtls.tokenValidators, spiffeId, log };
  const { workloadCertTtlMs = 86_400_000, allowedClockSkewMs = 900_000 } = mtls;
  if (workloadCertTtlMs <= allowedClockSkewMs) {
    log.log(
      "warn",
      "workloadCertTTL should be longer than allowedClockSkew: clients renew all the time",
    );
  }
  return new CertificateAuthority({
    trustDomain: options.trustDomain,
    namespace: options.namespace,
    store: fileStore({ folder: options.credentialsFolder, names: options.fileNames }),
    ...chooseValidators(choice),
    workloadCertTtlMs,
    allowedClockSkewMs,
    grpc: options.grpc,
    healthz: options.healthz,
    metrics: options.metrics,
    jwt: options.jwt,
    oidc: options.oidc,
    log,
  });
}

async function readMtls(options: SentryOptions, env: Environment, log: Logger): Promise<MtlsSpec> {
  const { configuration, warnings } = await loadConfiguration([options.config], { env });
  for (const warning of warnings) log.log("warn", warning);
  return configuration.mtls;
}
