import { readFile } from "node:fs/promises";
import { errorText, metadataValue, OutriggerError } from "@outrigger/core";
import { isRecord } from "../packages/package-entry.ts";

type Values = ReadonlyMap<string, string>;

/**
 * Reads a JSON file of secrets as Dapr's `secretstores.local.file` does: nested objects become names
 * with a separator, or, with `multiValued`, secrets of several keys.
 * @throws OutriggerError `OTR_OPTIONS_INVALID` when there is no such file, or it is no JSON object.
 */
export async function readSecretsFile(
  settings: Readonly<Record<string, string>>,
): Promise<(name: string) => Values | undefined> {
  const file = metadataValue(settings, "secretsFile") ?? "";
  if (file === "") throw invalid("missing local secrets file in metadata");
  const separator = metadataValue(settings, "nestedSeparator") || ":";
  const secrets = await parseFile(file);
  if (metadataValue(settings, "multiValued")?.toLowerCase() === "true") {
    const all = new Map(
      Object.entries(secrets).map(([name, value]) => [
        name,
        isRecord(value) ? flatten(value, separator) : new Map([[name, textOf(value)]]),
      ]),
    );
    return (name) => all.get(name);
  }
  const flat = flatten(secrets, separator);
  return (name) => {
    const value = flat.get(name);
    return value === undefined ? undefined : new Map([[name, value]]);
  };
}

async function parseFile(file: string): Promise<Readonly<Record<string, unknown>>> {
  let secrets: unknown;
  try {
    secrets = JSON.parse(await readFile(file, "utf8"));
  } catch (cause) {
    // A parser's message quotes what it read, and that is secret here.
    const why = cause instanceof SyntaxError ? "it is no JSON" : errorText(cause);
    throw invalid(`secrets file ${file}: ${why}`);
  }
  if (isRecord(secrets)) return secrets;
  throw invalid(`secrets file ${file}: it is no JSON object`);
}

function flatten(
  secrets: Readonly<Record<string, unknown>>,
  separator: string,
  prefix = "",
): Map<string, string> {
  const flat = new Map<string, string>();
  for (const [key, value] of Object.entries(secrets)) {
    const name = `${prefix}${key}`;
    const nested = Array.isArray(value) ? { ...value } : value;
    if (!isRecord(nested)) flat.set(name, textOf(value));
    else
      for (const [inner, text] of flatten(nested, separator, `${name}${separator}`))
        flat.set(inner, text);
  }
  return flat;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}

function invalid(message: string): OutriggerError {
  return new OutriggerError(message, { code: "OTR_OPTIONS_INVALID" });
}
