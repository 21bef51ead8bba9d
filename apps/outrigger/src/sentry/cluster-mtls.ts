import type { KubernetesClient } from "@outrigger/certificate-authority";
import { errorText, type Logger } from "@outrigger/core";
import type { JsonValue, MtlsSpec } from "@outrigger/resources";
import { parseGoDuration } from "../flags/go-duration.ts";

/** What the authority takes from a Configuration. */
export type AuthoritySpec = Pick<
  MtlsSpec,
  "workloadCertTtlMs" | "allowedClockSkewMs" | "tokenValidators"
>;

const defaults: AuthoritySpec = {
  workloadCertTtlMs: undefined,
  allowedClockSkewMs: undefined,
  tokenValidators: [],
};

/**
 * `spec.mtls` of a Configuration in the authority's own namespace; nobody else's counts. Without
 * one the defaults hold.
 * @throws RangeError when a value cannot be understood.
 */
export async function clusterMtls(
  client: KubernetesClient,
  place: { readonly namespace: string; readonly name: string },
  log: Logger,
): Promise<AuthoritySpec> {
  let spec: unknown;
  try {
    const signal = AbortSignal.timeout(30_000);
    spec = await client.configurationSpec(place.namespace, place.name, signal);
  } catch (reason) {
    log.log("warn", `Configuration ${place.name} is not used: ${errorText(reason)}`);
    return defaults;
  }
  const mtls = field(spec, "mtls");
  return {
    workloadCertTtlMs: duration(field(mtls, "workloadCertTTL"), "workloadCertTTL"),
    allowedClockSkewMs: duration(field(mtls, "allowedClockSkew"), "allowedClockSkew"),
    tokenValidators: validators(field(mtls, "tokenValidators")),
  };
}

function field(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  return Reflect.get(value, name);
}

function duration(value: unknown, name: string): number | undefined {
  if (value === undefined || value === "" || value === null) return undefined;
  if (typeof value !== "string") throw new RangeError(`mtls.${name} is no duration`);
  return parseGoDuration(value);
}

function validators(value: unknown): AuthoritySpec["tokenValidators"] {
  if (!Array.isArray(value)) return [];
  return value.map((entry: unknown) => {
    const name = field(entry, "name");
    return {
      name: typeof name === "string" ? name : "",
      // It came as JSON, so it is JSON.
      options: (field(entry, "options") ?? null) as JsonValue,
    };
  });
}
