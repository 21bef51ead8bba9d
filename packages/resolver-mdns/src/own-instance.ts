import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { type Instance, OutriggerError, unlessAborted } from "@outrigger/core";
import { dialableAddress } from "./address.ts";
import { isEncodableId } from "./names.ts";

/**
 * Checks what is to be announced and turns its host into an address.
 * @throws OutriggerError `OTR_OPTIONS_INVALID`, naming the field.
 */
export async function checkedInstance(instance: Instance, signal: AbortSignal): Promise<Instance> {
  const { appId, host, internalPort } = instance;
  if (!appId) throw invalid("appId", appId, "name is missing");
  if (!isEncodableId(appId)) {
    throw invalid("appId", appId, "must be a DNS label of at most 63 bytes");
  }
  if (!host) throw invalid("host", host, "address is missing");
  if (!Number.isInteger(internalPort) || internalPort < 1 || internalPort > 65_535) {
    throw invalid("internalPort", internalPort, "port is missing or invalid");
  }
  const namespace = instance.namespace || "default";
  if (Buffer.byteLength(namespace) > 200) throw invalid("namespace", namespace, "is too long");
  return { ...instance, namespace, host: await addressOf(host, signal) };
}

async function addressOf(host: string, signal: AbortSignal): Promise<string> {
  const bare = host.replace(/^\[(.*)\]$/, "$1");
  // No look-up for the name that Dapr's listen address may have: it works without a resolver.
  const address = bare === "localhost" ? "127.0.0.1" : bare;
  if (isIP(address) === 0) {
    const found = await unlessAborted(lookup(address), signal).catch((cause: unknown) => {
      signal.throwIfAborted();
      throw invalid("host", host, "is neither an address nor a known host name", cause);
    });
    return found.address;
  }
  const dialable = dialableAddress(address);
  if (dialable === undefined) throw invalid("host", host, "is no address that peers can dial");
  return dialable;
}

function invalid(
  field: string,
  value: string | number,
  text: string,
  cause?: unknown,
): OutriggerError {
  return new OutriggerError(
    `resolver-mdns: ${field}: ${text} (got ${JSON.stringify(value) ?? "nothing"})`,
    { code: "OTR_OPTIONS_INVALID", cause, details: { field } },
  );
}
