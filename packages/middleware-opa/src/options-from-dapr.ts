import {
  type ComponentMetadata,
  metadataFlag,
  metadataValue,
  OutriggerError,
} from "@outrigger/core";
import type { MiddlewareOpaOptions } from "./options.ts";

/**
 * Reads the settings as Dapr does, but the policy: `policyFile` is the path of a compiled one and
 * `policy` holds it as base64. Dapr's `rego` may stand beside them, for Dapr.
 * @throws OutriggerError `OTR_OPTIONS_INVALID` when there is no compiled policy, or a status is none.
 */
export function opaOptionsFromDapr(metadata: ComponentMetadata): MiddlewareOpaOptions {
  const status = metadataValue(metadata, "defaultStatus");
  const headers = metadataValue(metadata, "includedHeaders") ?? "";
  return {
    ...compiledPolicy(metadata),
    ...(status === undefined || status === "" ? {} : { defaultStatus: statusOf(status) }),
    includedHeaders: headers
      .split(",")
      .map((name) => name.replaceAll(" ", ""))
      .filter((name) => name !== ""),
    readBody: metadataFlag(metadata, "readBody"),
  };
}

function compiledPolicy(
  metadata: ComponentMetadata,
): Pick<MiddlewareOpaOptions, "policy" | "policyFile"> {
  const policyFile = metadataValue(metadata, "policyFile");
  const policy = metadataValue(metadata, "policy");
  if (policyFile && policy) throw invalid("only one of 'policyFile' and 'policy' may be set");
  if (policyFile) return { policyFile };
  if (policy) return { policy: Buffer.from(policy, "base64") };
  const how =
    "compile the policy with `opa build -t wasm -e http/allow --v0-compatible -o policy.tar.gz policy.rego` (without --v0-compatible when it is written for OPA 1.0), and set 'policyFile' to the path of policy.tar.gz, or 'policy' to its content as base64";
  if (!metadataValue(metadata, "rego")) {
    throw invalid(`metadata property 'policyFile' or 'policy' is required: ${how}`);
  }
  throw invalid(
    `metadata property 'rego' is source text, which Outrigger does not compile: ${how}`,
  );
}

function statusOf(text: string): number {
  const status = Number(text);
  if (Number.isInteger(status) && status >= 200 && status < 600) return status;
  throw invalid(`invalid status value ${text} expected in range [200-599]`);
}

function invalid(message: string): OutriggerError {
  return new OutriggerError(message, { code: "OTR_OPTIONS_INVALID" });
}
