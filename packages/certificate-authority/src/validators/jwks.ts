import type { Logger } from "@outrigger/core";
import { type SignCertificateRequest, tokenValidator } from "@outrigger/protocol";
import { errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from "jose";
import { checkRequest } from "./common-checks.ts";
import { type JwksValidatorOptions, readJwksOptions } from "./jwks-options.ts";
import { JwksSource } from "./jwks-source.ts";
import type { TokenValidator } from "./token-validator.ts";

/** How far clocks may differ. */
const skewSeconds = 300;

/**
 * Wants a JWT that is signed by a key of a set, and whose subject is the identity asked for.
 * @throws OutriggerError `OTR_OPTIONS_INVALID`.
 */
export function jwksValidator(options: JwksValidatorOptions, log: Logger): TokenValidator {
  const settings = readJwksOptions(options);
  const source = new JwksSource(settings, log);
  return {
    number: tokenValidator.jwks,
    healthTarget: "sentry-jwks-validator",
    get ready() {
      return source.keys !== undefined;
    },
    start: () => source.start(),
    stop: async () => source.stop(),
    validate: (request) => validate(request, source, settings.audience),
  };
}

async function validate(
  request: SignCertificateRequest,
  source: JwksSource,
  audience: string,
): Promise<string> {
  if (request.token === "") throw new Error("the request does not contain a token");
  if (source.keys === undefined) throw new Error("jwks validator not ready");
  const trustDomain = checkRequest(request);
  const payload = await verify(request.token, source);
  const fault = claimFault(payload, {
    audience,
    subject: `spiffe://${trustDomain}/ns/${request.namespace}/${request.id}`,
  });
  if (fault === undefined) return trustDomain;
  throw new Error(`token validation failed: "${fault}" not satisfied`);
}

/** A key that is not in the set may be new: the set is read again once before the refusal. */
async function verify(token: string, source: JwksSource): Promise<JWTPayload> {
  try {
    return await verifyWith(token, source.keys);
  } catch (reason) {
    const unknown = reason instanceof errors.JWKSNoMatchingKey;
    if (!unknown || !(await source.refreshForUnknownKey())) throw refusal(reason);
  }
  try {
    return await verifyWith(token, source.keys);
  } catch (reason) {
    throw refusal(reason);
  }
}

async function verifyWith(token: string, keys: JWTVerifyGetKey | undefined): Promise<JWTPayload> {
  if (keys === undefined) throw new errors.JWKSNoMatchingKey();
  const options = { clockTolerance: skewSeconds };
  try {
    return (await jwtVerify(token, keys, options)).payload;
  } catch (reason) {
    if (!(reason instanceof errors.JWKSMultipleMatchingKeys)) throw reason;
    // A token without a key id fits several keys: each of them is tried.
    for await (const key of reason) {
      try {
        return (await jwtVerify(token, key, options)).payload;
      } catch (inner) {
        if (!(inner instanceof errors.JWSSignatureVerificationFailed)) throw inner;
      }
    }
    throw new errors.JWSSignatureVerificationFailed();
  }
}

function claimFault(
  payload: JWTPayload,
  expected: { audience: string; subject: string },
): string | undefined {
  const audiences = typeof payload.aud === "string" ? [payload.aud] : (payload.aud ?? []);
  if (!audiences.includes(expected.audience)) return "aud";
  if (payload.sub !== expected.subject) return "sub";
  if (payload.iat !== undefined && payload.iat > Date.now() / 1_000 + skewSeconds) return "iat";
  return undefined;
}

/** Names the claim in double quotes, as Dapr's library does. The token is not part of the text. */
function refusal(reason: unknown): Error {
  if (reason instanceof errors.JWTExpired || reason instanceof errors.JWTClaimValidationFailed) {
    return new Error(`token validation failed: "${reason.claim}" not satisfied`, { cause: reason });
  }
  if (reason instanceof errors.JWTInvalid || reason instanceof errors.JWSInvalid) {
    return new Error("token validation failed: the token is no signed JWT", { cause: reason });
  }
  return new Error(
    "token validation failed: could not verify message using any of the signatures or keys",
    { cause: reason },
  );
}
