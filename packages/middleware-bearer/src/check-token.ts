import { errors, jwtVerify } from "jose";
import type { IssuerKeys } from "./issuer-keys.ts";
import type { BearerSettings } from "./options.ts";

/** `unknown`: the issuer's keys could not be had. */
export type TokenVerdict = "valid" | "invalid" | "unknown";

/** Checks signature, issuer, audience and times of a token. */
export async function checkToken(
  token: string,
  keys: IssuerKeys,
  { issuer, audience, clockToleranceMs }: BearerSettings,
): Promise<TokenVerdict> {
  try {
    const clockTolerance = clockToleranceMs / 1_000;
    await jwtVerify(token, keys.find, { issuer, audience, clockTolerance });
    return "valid";
  } catch (reason) {
    return isFetchFailure(reason) ? "unknown" : "invalid";
  }
}

/** What jose throws about a token has a code of its own; an answer that is no key set has the generic one. */
function isFetchFailure(reason: unknown): boolean {
  if (!(reason instanceof errors.JOSEError)) return true;
  return reason.code === "ERR_JWKS_TIMEOUT" || reason.code === "ERR_JOSE_GENERIC";
}
