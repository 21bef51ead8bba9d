import type { Balancer, StandardSchema } from "@outrigger/core";
import * as v from "valibot";

/** What a header option must be. */
export const headerText = "must be the name of a header or gRPC metadata key";
/** What a zone option must be. */
export const zoneText = "must be the name of this sidecar's zone";

// RFC 9110 section 5.6.2; a name that no header can have would quietly never match.
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** A header name, in the lower case in which names are compared. */
export const header: v.GenericSchema<string> = v.pipe(
  v.string(headerText),
  v.regex(token, headerText),
  v.toLowerCase(),
);

/** A zone name. */
export const zone: v.GenericSchema<string> = v.pipe(v.string(zoneText), v.nonEmpty(zoneText));

/** Validates the options of `consistentHash`. */
export const consistentHashSchema: StandardSchema<{ header: string }> = v.strictObject(
  { header },
  keyMessage({ header: headerText }),
);

/** Validates the options of `zoneAware`. */
export const zoneAwareSchema: StandardSchema<{ zone: string; within?: Balancer }> = v.strictObject(
  { zone, within: v.exactOptional(v.custom<Balancer>(isBalancer, "must be a balancer")) },
  keyMessage({ zone: zoneText, within: "" }),
);

/** What is said of a key that is missing, and of one that nobody knows. */
export function keyMessage(
  texts: Readonly<Record<string, string>>,
): (issue: v.BaseIssue<unknown>) => string {
  return (issue) => {
    const key = String(issue.path?.[0]?.key);
    if (issue.path === undefined) return "must be an object";
    if (issue.expected !== "never") return texts[key] ?? "is missing";
    return `is no option here; allowed: ${Object.keys(texts).join(", ")}`;
  };
}

function isBalancer(value: unknown): boolean {
  return (
    typeof value === "object" &&
    value !== null &&
    "select" in value &&
    typeof value.select === "function"
  );
}
