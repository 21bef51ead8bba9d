import type { KeyObject } from "node:crypto";
import { errorText, OutriggerError } from "@outrigger/core";
import type { SignCertificateResponse } from "@outrigger/protocol";
import { identityOfLeaf, parseCertificates, type Received, verifyChain } from "@outrigger/spiffe";

/** What was asked for, and what it must be verified with. */
export interface Expectation {
  readonly appId: string;
  readonly namespace: string;
  readonly publicKey: KeyObject;
  readonly privateKey: string;
  readonly trustAnchors: string;
  readonly jwtAudiences: readonly string[];
  readonly nowMs: number;
}

/**
 * Checks the answer of the authority: for this app, for this key, from the trusted roots. Dapr
 * checks only the form; a certificate for somebody else would make every peer refuse us later,
 * where nobody finds the reason.
 * @throws OutriggerError `OTR_IDENTITY_REFUSED`.
 */
export function acceptCertificate(
  response: SignCertificateResponse,
  expected: Expectation,
): Received {
  if (response.validUntilMs === undefined) throw refused("the answer has no valid_until");
  const chain = Buffer.from(response.workloadCertificate).toString("latin1");
  const [leaf, ...intermediates] = certificatesOf(chain);
  if (leaf === undefined) throw refused("the answer holds no certificate");
  const identity = identityOf(leaf.raw);
  if (identity.appId !== expected.appId || identity.namespace !== expected.namespace) {
    const asked = `/ns/${expected.namespace}/${expected.appId}`;
    throw refused(`the certificate is for ${identity.spiffeId}, not for ${asked}`);
  }
  if (!leaf.publicKey.equals(expected.publicKey))
    throw refused("the certificate is for another key");
  const anchors = certificatesOf(expected.trustAnchors);
  const broken = verifyChain({ leaf, intermediates, anchors, nowMs: expected.nowMs });
  if (broken !== undefined) throw refused(broken.message);
  return {
    spiffeId: identity.spiffeId,
    certificateChain: chain,
    privateKey: expected.privateKey,
    notBeforeMs: Date.parse(leaf.validFrom),
    expiresAtMs: Date.parse(leaf.validTo),
    ...(expected.jwtAudiences.length === 0
      ? {}
      : { jwts: acceptJwts(response.perAudienceJwts, expected.jwtAudiences) }),
  };
}

/** Each audience gets a token that is good for it alone. */
function acceptJwts(
  tokens: ReadonlyMap<string, string>,
  audiences: readonly string[],
): ReadonlyMap<string, string> {
  for (const audience of audiences) {
    const token = tokens.get(audience);
    if (token === undefined) throw refused(`the answer has no JWT for audience ${audience}`);
    const { aud } = claimsOf(token);
    const named = Array.isArray(aud) ? aud : [aud];
    if (named.length !== 1 || named[0] !== audience) {
      throw refused(`the JWT for audience ${audience} is not for it alone`);
    }
  }
  return tokens;
}

/** Claims of a token, which its consumer verifies. @throws OutriggerError `OTR_IDENTITY_REFUSED`. */
export function claimsOf(token: string): { readonly aud?: unknown; readonly exp?: unknown } {
  try {
    const claims: unknown = JSON.parse(
      Buffer.from(token.split(".")[1] ?? "", "base64url").toString(),
    );
    if (typeof claims === "object" && claims !== null) return claims;
  } catch (cause) {
    throw new OutriggerError("the answer holds a JWT that cannot be read", {
      code: "OTR_IDENTITY_REFUSED",
      cause,
    });
  }
  throw refused("the answer holds a JWT that cannot be read");
}

function certificatesOf(pem: string): ReturnType<typeof parseCertificates> {
  try {
    return parseCertificates(pem);
  } catch (cause) {
    throw refused(`a certificate cannot be read: ${errorText(cause)}`, cause);
  }
}

function identityOf(der: Uint8Array): ReturnType<typeof identityOfLeaf> {
  try {
    return identityOfLeaf(der);
  } catch (cause) {
    throw refused(errorText(cause), cause);
  }
}

function refused(message: string, cause?: unknown): OutriggerError {
  return new OutriggerError(message, { code: "OTR_IDENTITY_REFUSED", cause });
}
