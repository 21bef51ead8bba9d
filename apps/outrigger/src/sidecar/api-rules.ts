import type { ApiAccessRule, Configuration } from "@outrigger/resources";

/** Names of the groups that rules speak of. */
export type ApiGroup = "invoke" | "metadata" | "shutdown";

/**
 * Which routes of a protocol exist, by the Configuration's `api.allowed` and `api.denied` (Dapr
 * `pkg/api/http/endpoints/endpoint.go`): a denied one does not, and a list of allowed ones closes the rest.
 * A rule means a whole group (`v1/invoke`) or, in its old form, the beginning of a route.
 */
export function apiRules(
  api: Configuration["api"],
  protocol: "http" | "grpc",
): (group: ApiGroup, route: string) => boolean {
  const denied = ruleKeys(api.denied, protocol);
  const allowed = ruleKeys(api.allowed, protocol);
  return (group, route) => {
    const matches = (key: string): boolean => key === `v1/${group}` || route.startsWith(key);
    if (denied.some(matches)) return false;
    return allowed.length === 0 || allowed.some(matches);
  };
}

/** The versions of groups that Dapr's gRPC API knows; rules with other names are not looked at. */
const grpcNames = new Set([
  ...["invoke/v1", "metadata/v1", "shutdown/v1", "state/v1", "state/v1alpha1", "publish/v1"],
  ...["publish/v1alpha1", "bindings/v1", "secrets/v1", "actors/v1", "actors/v1alpha1"],
  ...["configuration/v1", "configuration/v1alpha1", "lock/v1alpha1", "unlock/v1alpha1"],
  ...["subtlecrypto/v1alpha1", "crypto/v1alpha1", "workflows/v1alpha1", "workflows/v1beta1"],
  ...["jobs/v1", "jobs/v1alpha1", "subscribe/v1alpha1", "conversation/v1alpha1"],
  "conversation/v1alpha2",
]);

/** The same lists for the gRPC API; `undefined` stands for a method of no group that is in scope. */
export function grpcApiRules(api: Configuration["api"]): (group: ApiGroup | undefined) => boolean {
  const names = (rules: readonly ApiAccessRule[]): readonly string[] =>
    rules
      .filter((rule) => rule.protocol === "grpc")
      .map(({ name, version }) => `${name}/${version}`)
      .filter((name) => grpcNames.has(name));
  const denied = names(api.denied);
  const allowed = names(api.allowed);
  return (group) => {
    const name = `${group}/v1`;
    if (denied.includes(name)) return false;
    return allowed.length === 0 || allowed.includes(name);
  };
}

function ruleKeys(rules: readonly ApiAccessRule[], protocol: string): readonly string[] {
  return rules
    .filter((rule) => rule.protocol.toLowerCase() === protocol)
    .map(({ version, name }) => `${version}/${name}`);
}
