import { basename } from "node:path";
import {
  authoritySpiffeId,
  CertificateAuthority,
  clusterAccess,
  fileStore,
  type KubernetesClient,
  kubernetesClient,
  kubernetesStore,
  kubernetesValidator,
  type MaterialStore,
} from "@outrigger/certificate-authority";
import type { Logger } from "@outrigger/core";
import { loadConfiguration } from "@outrigger/resources";
import type { Environment } from "../flags/validate-options.ts";
import { chooseValidators } from "./choose-validators.ts";
import { clusterDomain } from "./cluster-domain.ts";
import { type AuthoritySpec, clusterMtls } from "./cluster-mtls.ts";
import type { SentryOptions } from "./sentry-options.ts";

/** @throws OutriggerError or RangeError when the authority cannot be made. */
export async function composeAuthority(
  options: SentryOptions,
  env: Environment,
  log: Logger,
): Promise<CertificateAuthority> {
  const { trustDomain, namespace, grpc, healthz, jwt, oidc } = options;
  const spiffeId = authoritySpiffeId(trustDomain, namespace);
  const client = await clusterClient(options, env);
  const spec = await readSpec(options, client, { env, log });
  const identity = { spiffeId, trustDomain, namespace };
  const chosen = chooseValidators({
    kubernetes: client && kubernetesValidator({ client, ...identity }),
    configured: spec.tokenValidators,
    spiffeId,
    log: log.scope("dapr.sentry.identity.jwks"),
  });
  return new CertificateAuthority({
    trustDomain,
    namespace,
    store: chooseStore(options, client),
    clusterDomain: client && (await clusterDomain()),
    ...chosen,
    ...readTimes(spec, log),
    ...{ grpc, healthz, jwt, oidc, log },
  });
}

async function clusterClient(
  options: SentryOptions,
  env: Environment,
): Promise<KubernetesClient | undefined> {
  if (options.mode !== "kubernetes") return undefined;
  return kubernetesClient(await clusterAccess(env, options.kubeconfig));
}

async function readSpec(
  { config, namespace }: SentryOptions,
  client: KubernetesClient | undefined,
  { env, log }: { env: Environment; log: Logger },
): Promise<AuthoritySpec> {
  if (client !== undefined) return clusterMtls(client, { namespace, name: config }, log);
  const { configuration, warnings } = await loadConfiguration([config], { env });
  for (const warning of warnings) log.log("warn", warning);
  return configuration.mtls;
}

function chooseStore(
  { credentialsFolder: folder, fileNames, namespace }: SentryOptions,
  client: KubernetesClient | undefined,
): MaterialStore {
  if (client === undefined) return fileStore({ folder, names: fileNames });
  const keys = Object.fromEntries(
    Object.entries(fileNames).map(([part, name]) => [part, basename(name)]),
  );
  return kubernetesStore({ client, namespace, keys, folders: [folder] });
}

function readTimes(
  spec: AuthoritySpec,
  log: Logger,
): { workloadCertTtlMs: number; allowedClockSkewMs: number } {
  const { workloadCertTtlMs = 86_400_000, allowedClockSkewMs = 900_000 } = spec;
  if (workloadCertTtlMs <= allowedClockSkewMs) {
    log.log(
      "warn",
      "workloadCertTTL is not longer than allowedClockSkew: Dapr's sidecars would renew all the time",
    );
  }
  return { workloadCertTtlMs, allowedClockSkewMs };
}
