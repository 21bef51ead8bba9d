import { goQuote, textToBytes } from "@outrigger/core";

/** Why a name cannot be a path segment (Kubernetes' rule), in Dapr's words; `undefined` when it can. */
export function nameProblem(name: string, kind: string): string | undefined {
  const reasons: string[] = [];
  if (name === "." || name === "..") reasons.push(`may not be '${name}'`);
  else {
    if (name.includes("/")) reasons.push("may not contain '/'");
    if (name.includes("%")) reasons.push("may not contain '%'");
  }
  if (reasons.length === 0) return undefined;
  return `invalid name ${goQuote(textToBytes(name))} for "${kind}": ${reasons.join(", ")}`;
}
