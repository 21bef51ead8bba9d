import { errorText, isOutriggerError, OutriggerError } from "@outrigger/core";

/** What one member said instead of endpoints. */
export interface Refusal {
  readonly name: string;
  readonly reason: unknown;
}

/**
 * Nobody knows the app. Opens with Dapr's words, since tools match on them, and adds what each
 * member said unless that is the same.
 */
export function nobodyKnows(appId: string, refusals: readonly Refusal[]): OutriggerError {
  const head = `couldn't find service: ${appId}`;
  const said = refusals.map(({ name, reason }) => ({ name, text: textOf(reason) }));
  const failed = refusals.some(({ reason }) => !isUnknown(reason));
  const parts = said.map(({ name, text }) => `${name}: ${text === head ? "not found" : text}`);
  const message = said.every(({ text }) => text === head) ? head : `${head} (${parts.join("; ")})`;
  return new OutriggerError(message, {
    // While somebody could not be asked, nobody can say that the app is not there.
    code: failed ? "OTR_RESOLVE_FAILED" : "OTR_RESOLVE_NOT_FOUND",
    details: { appId, said: parts.join("; ") },
    cause: refusals.find(({ reason }) => !isUnknown(reason))?.reason,
  });
}

/** A member without endpoints that gave no reason simply does not know the app. */
function isUnknown(reason: unknown): boolean {
  return reason === undefined || isOutriggerError(reason, "OTR_RESOLVE_NOT_FOUND");
}

function textOf(reason: unknown): string {
  return reason === undefined ? "no endpoints" : errorText(reason);
}
