import { OutriggerError } from "@outrigger/core";
import type { AccessControlSpec } from "./configuration.ts";

/**
 * A policy that lacks an identity field would match nobody, and so protect nothing.
 * @throws OutriggerError `OTR_OPTIONS_INVALID` with Dapr's text.
 */
export function checkAccessControl(spec: AccessControlSpec | undefined): void {
  const policies = spec?.policies ?? [];
  const noTrustDomain = policies.filter((policy) => policy.trustDomain === "");
  const noNamespace = policies.filter((policy) => policy.namespace === "");
  const noAppId = policies.some((policy) => policy.appId === "");
  if (noTrustDomain.length === 0 && noNamespace.length === 0 && !noAppId) return;
  const ids = (found: typeof policies) => `[${found.map((policy) => policy.appId).join(" ")}]`;
  throw new OutriggerError(
    `invalid access control spec. missing trustdomain for apps: ${ids(noTrustDomain)}, ` +
      `missing namespace for apps: ${ids(noNamespace)}, ` +
      `missing app name on at least one of the app policies: ${noAppId}`,
    { code: "OTR_OPTIONS_INVALID" },
  );
}
