import { OutriggerError } from "@outrigger/core";
import type { ResolverDnsOptions } from "./options.ts";

/**
 * Reads `spec.nameResolution.configuration` of Dapr's `nameformat` resolver. The name is looked up
 * as the operating system does, which is what happens when Dapr dials it; unlike there, every
 * address of it gets calls.
 * @throws OutriggerError `OTR_OPTIONS_INVALID`, with Dapr's text where Dapr has one.
 */
export function nameFormatOptionsFromDapr(configuration: unknown): ResolverDnsOptions {
  const format = formatOf(configuration);
  if (format === "") throw invalid("format is required in metadata");
  if (!format.includes("{appid}")) throw invalid("format must contain {appid} placeholder");
  const match = /^(?<name>[^:[\]]+):(?<port>\d{1,5})$/.exec(format);
  const port = Number(match?.groups?.port);
  if (match?.groups?.name === undefined || port < 1 || port > 65_535) {
    // Dapr takes it, and fails each call: it dials the name without a port, or port 443.
    throw invalid(
      `format must end with the internal gRPC port of the sidecars, for example {appid}.apps.internal:50002 (got ${JSON.stringify(format)})`,
    );
  }
  // Dapr puts any id into the name and dials what comes out: upper case is no obstacle there.
  return { name: match.groups.name, port, records: "system", upperCaseIds: true };
}

function formatOf(configuration: unknown): string {
  if (configuration === undefined || configuration === null) return "";
  if (typeof configuration !== "object" || Array.isArray(configuration)) {
    throw invalid("failed to decode metadata: the configuration must be a map");
  }
  const entries = Object.entries(configuration).filter(([key]) => key.toLowerCase() === "format");
  if (entries.length > 1) throw invalid("failed to decode metadata: duplicate key format");
  const value: unknown = entries[0]?.[1] ?? "";
  if (typeof value === "object") throw invalid("failed to decode metadata: format must be text");
  return String(value);
}

function invalid(message: string): OutriggerError {
  return new OutriggerError(message, { code: "OTR_OPTIONS_INVALID" });
}
