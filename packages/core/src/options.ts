import { OutriggerError } from "./errors.ts";

/** The part of Standard Schema v1 (standardschema.dev) that core needs; zod, valibot and arktype have it. */
export interface StandardSchema<Output> {
  readonly "~standard": {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined;
  };
}

type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/**
 * Validates options once and returns them frozen.
 * @param owner the package whose options these are; it opens the error message.
 * @throws OutriggerError `OTR_OPTIONS_INVALID` with one clause per wrong field: its path, the value
 *   given, and what would be right.
 */
export function parseOptions<Output>(
  owner: string,
  schema: StandardSchema<Output>,
  input: unknown,
): Output {
  const result = schema["~standard"].validate(input);
  if (result instanceof Promise)
    throw new TypeError(`${owner}: an options schema must be synchronous`);
  if (result.issues === undefined) return Object.freeze(result.value);
  const clauses = result.issues.map((issue) => describeIssue(issue, input));
  throw new OutriggerError(`${owner}: ${clauses.join("; ")}`, {
    code: "OTR_OPTIONS_INVALID",
    details: { owner },
  });
}

function describeIssue(issue: SchemaIssue, input: unknown): string {
  const keys = (issue.path ?? []).map((part) => (typeof part === "object" ? part.key : part));
  if (keys.length === 0) return issue.message;
  const path = keys.map(String).join(".");
  return `${path}: ${issue.message} (got ${printValue(valueAt(input, keys))})`;
}

function valueAt(input: unknown, keys: readonly PropertyKey[]): unknown {
  let value = input;
  for (const key of keys) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}

function printValue(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value === "function") return "a function";
  const text = typeof value === "bigint" ? `${value}n` : (JSON.stringify(value) ?? String(value));
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
