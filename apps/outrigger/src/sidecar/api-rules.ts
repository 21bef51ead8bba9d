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

function ruleKeys(rules: readonly ApiAccessRule[], protocol: string): readonly string[] {
  return rules
    .filter((rule) => rule.protocol.toLowerCase() === protocol)
    .map(({ version, name }) => `${version}/${name}`);
}
