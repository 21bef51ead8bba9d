import { OutriggerError } from "@outrigger/core";
import type { Configuration } from "@outrigger/resources";
import type { SidecarOptions } from "../flags/sidecar-options.ts";
import type { Environment } from "../flags/validate-options.ts";

/**
 * Refuses to start where protection was asked for that this version cannot give: running without it
 * would be worse than not running.
 * @throws OutriggerError `OTR_OPTIONS_INVALID` that names the setting.
 */
export function refuseUnprotected(
  options: SidecarOptions,
  configuration: Configuration,
  env: Environment,
): void {
  if (options.enableMtls) {
    if (!env.DAPR_TRUST_ANCHORS) throw refusal("trust anchors are required");
    throw refusal(
      "--enable-mtls: mutual TLS is not part of this version; remove the flag to run without it",
    );
  }
  const { defaultAction = "allow", policies = [] } = configuration.accessControl ?? {};
  if (policies.length > 0 || defaultAction.toLowerCase() === "deny") {
    throw refusal(
      "spec.accessControl: access control is not part of this version; remove it to run without it",
    );
  }
}

function refusal(message: string): OutriggerError {
  return new OutriggerError(message, { code: "OTR_OPTIONS_INVALID" });
}
