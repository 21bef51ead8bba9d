import { validateHeaderName, validateHeaderValue } from "node:http";
import { type HeaderList, textToBytes } from "@outrigger/core";

/** What a policy says about a request. */
export interface Decision {
  readonly allow: boolean;
  /** Status of the answer when it is not allowed. */
  readonly status: number;
  /** For the request when it is allowed, for the answer when it is not. */
  readonly headers: HeaderList;
}

/**
 * Reads the value of `data.http.allow`: a boolean, or an object in the shape of Dapr.
 * @throws Error when it is neither; a policy that is not understood allows nothing.
 */
export function decisionOf(value: unknown, defaultStatus: number): Decision {
  if (value === undefined) {
    throw new Error("received no results back from rego policy. Are you setting data.http.allow?");
  }
  if (typeof value === "boolean") return { allow: value, status: defaultStatus, headers: [] };
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Error("got an invalid type back from repo policy. Only a boolean or map is valid");
  }
  const fields: Readonly<Record<string, unknown>> = { ...value };
  const { allow = false, status_code: status = defaultStatus } = fields;
  if (typeof allow !== "boolean") throw new Error("allow is no boolean");
  if (typeof status !== "number" || !Number.isInteger(status)) {
    throw new Error("status_code is no whole number");
  }
  return { allow, status, headers: headersOf(fields.additional_headers ?? {}) };
}

function headersOf(value: unknown): HeaderList {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Error("additional_headers is no object");
  }
  return Object.entries(value).flatMap(([name, text]: [string, unknown]) => {
    if (typeof text !== "string") throw new Error(`header ${JSON.stringify(name)} is no text`);
    const bytes = textToBytes(text);
    // Throws for line breaks too, with which a policy's data could forge further headers.
    validateHeaderName(name);
    validateHeaderValue(name, bytes);
    return [name, bytes];
  });
}
