import { type Instance, OutriggerError } from "@outrigger/core";

/**
 * Checks what is to be announced.
 * @throws OutriggerError `OTR_OPTIONS_INVALID`, naming the field.
 */
export function checkedInstance(instance: Instance): Instance {
  const { appId, internalPort } = instance;
  const bare = instance.host.replace(/^\[(.*)\]$/, "$1");
  if (!appId) throw invalid("appId", appId, "name is missing");
  if (Buffer.byteLength(appId) > 512) throw invalid("appId", appId, "is too long");
  if (!bare) throw invalid("host", bare, "address is missing");
  if (/[\s[\]/]/.test(bare) || bare.length > 255) {
    throw invalid("host", bare, "is neither an address nor a host name");
  }
  if (!Number.isInteger(internalPort) || internalPort < 1 || internalPort > 65_535) {
    throw invalid("internalPort", internalPort, "port is missing or invalid");
  }
  const namespace = instance.namespace || "default";
  if (Buffer.byteLength(namespace) > 512) throw invalid("namespace", namespace, "is too long");
  // Dapr announces the word when its listen address is that.
  return { ...instance, namespace, host: bare === "localhost" ? "127.0.0.1" : bare };
}

function invalid(field: string, value: string | number, text: string): OutriggerError {
  return new OutriggerError(
    `resolver-local: ${field}: ${text} (got ${JSON.stringify(value) ?? "nothing"})`,
    { code: "OTR_OPTIONS_INVALID", details: { field } },
  );
}
