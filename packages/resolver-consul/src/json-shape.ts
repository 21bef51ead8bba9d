import { OutriggerError } from "@outrigger/core";

/** What a value must be: the types of a Go struct that JSON is read into. */
export type Shape =
  | "text"
  | "flag"
  | "whole"
  | "anything"
  | { readonly list: Shape }
  | { readonly map: Shape }
  | { readonly fields: Readonly<Record<string, Shape>> };

/**
 * Reads a value as Go's JSON decoder fills a struct, which is how Dapr reads this configuration:
 * keys in any case, unknown keys ignored, `null` as if it were not there, and no conversions.
 * @throws OutriggerError `OTR_OPTIONS_INVALID` that names the field.
 */
export function readShape(shape: Shape, value: unknown, path = ""): unknown {
  if (value === null || value === undefined) return undefined;
  if (shape === "anything") return value;
  if (shape === "text") return expected(typeof value === "string", "a string", value, path);
  if (shape === "flag") return expected(typeof value === "boolean", "a bool", value, path);
  if (shape === "whole") return expected(Number.isInteger(value), "a whole number", value, path);
  if ("list" in shape) {
    if (!Array.isArray(value)) return expected(false, "a list", value, path);
    return value.map((one, index) => readShape(shape.list, one, `${path}[${index}]`));
  }
  if (typeof value !== "object" || Array.isArray(value)) {
    return expected(false, "an object", value, path);
  }
  return "map" in shape ? readMap(shape.map, value, path) : readFields(shape.fields, value, path);
}

function readMap(of: Shape, value: object, path: string): object {
  const entries = Object.entries(value);
  return Object.fromEntries(
    entries.map(([key, one]) => [key, readShape(of, one, `${path}.${key}`)]),
  );
}

function readFields(
  fields: Readonly<Record<string, Shape>>,
  value: object,
  path: string,
): Readonly<Record<string, unknown>> {
  const names = new Map(Object.keys(fields).map((name) => [name.toLowerCase(), name]));
  const read: Record<string, unknown> = {};
  for (const [key, one] of Object.entries(value)) {
    const name = names.get(key.toLowerCase());
    const shape = name === undefined ? undefined : fields[name];
    if (name === undefined || shape === undefined) continue;
    const result = readShape(shape, one, path === "" ? name : `${path}.${name}`);
    if (result !== undefined) read[name] = result;
  }
  return read;
}

function expected(holds: boolean, what: string, value: unknown, path: string): unknown {
  if (holds) return value;
  const field = path === "" ? "configuration" : path;
  throw new OutriggerError(
    `error deserializing to configSpec: ${field}: must be ${what} (got ${JSON.stringify(value)})`,
    { code: "OTR_OPTIONS_INVALID", details: { field } },
  );
}
