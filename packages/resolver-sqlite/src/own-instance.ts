import { type Instance, joinHostPort, OutriggerError } from "@outrigger/core";

/**
 * Address under which an instance is registered.
 * @throws OutriggerError `OTR_OPTIONS_INVALID`, naming the field, with Dapr's text.
 */
export function addressOf({ appId, host, internalPort }: Instance): string {
  if (!appId) throw invalid("appId", "name is missing");
  if (!host) throw invalid("host", "address is missing");
  if (!Number.isInteger(internalPort) || internalPort < 1 || internalPort > 65_535) {
    throw invalid("internalPort", "port is missing or invalid");
  }
  return joinHostPort(host.replace(/^\[(.*)\]$/, "$1"), internalPort);
}

function invalid(field: string, text: string): OutriggerError {
  return new OutriggerError(`resolver-sqlite: ${field}: ${text}`, {
    code: "OTR_OPTIONS_INVALID",
    details: { field },
  });
}
