import type { ResolverKubernetesOptions } from "./options.ts";

/**
 * Options of Dapr's `kubernetes` name resolution. As there: whatever is no text or empty counts as
 * not given, and unknown keys are ignored.
 */
export function kubernetesOptionsFromDapr(configuration: unknown): ResolverKubernetesOptions {
  if (typeof configuration !== "object" || configuration === null) return {};
  let options: ResolverKubernetesOptions = {};
  for (const [key, value] of Object.entries(configuration)) {
    if (typeof value !== "string" || value === "") continue;
    const name = key.toLowerCase();
    if (name === "clusterdomain") options = { ...options, clusterDomain: value };
    if (name === "template") options = { ...options, template: value };
  }
  return options;
}
