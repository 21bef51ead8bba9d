import { createPrivateKey, createPublicKey, type KeyObject, randomBytes } from "node:crypto";
import { errorText, OutriggerError } from "@outrigger/core";
import {
  calculateJwkThumbprint,
  exportJWK,
  exportPKCS8,
  generateKeyPair,
  type JWK,
  SignJWT,
} from "jose";
import type { JwtMaterial } from "./authority-material.ts";

/** How tokens are made. */
export interface JwtSettings {
  /** Claim `iss`; left out when absent. */
  readonly issuer?: string | undefined;
  /** JWS algorithm. Default `RS256`. */
  readonly algorithm?: string | undefined;
  /** `kid`. Default the key's thumbprint. */
  readonly keyId?: string | undefined;
  /** Life of a token in milliseconds. Default 24 hours. */
  readonly ttlMs?: number | undefined;
}

/** Algorithms that `--jwt-signing-algorithm` names in Dapr. */
const algorithms: ReadonlySet<string> = new Set([
  ...["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
  ...["ES256", "ES384", "ES512", "EdDSA"],
]);

/** A token to issue. */
export interface JwtRequest {
  readonly spiffeId: string;
  readonly audiences: readonly string[];
  readonly nowMs: number;
  readonly allowedClockSkewMs: number;
}

/** Signs JWT SVIDs with one key. */
export class JwtIssuer {
  /** The published set, as it is stored. */
  readonly jwks: string;
  readonly algorithm: string;
  readonly #key: KeyObject;
  readonly #keyId: string;
  readonly #settings: JwtSettings;

  private constructor(jwks: string, key: KeyObject, keyId: string, settings: JwtSettings) {
    this.jwks = jwks;
    this.algorithm = algorithmOf(settings);
    this.#key = key;
    this.#keyId = keyId;
    this.#settings = settings;
  }

  /** @throws OutriggerError `OTR_OPTIONS_INVALID` when key, set and algorithm do not go together. */
  static async load(material: JwtMaterial, settings: JwtSettings): Promise<JwtIssuer> {
    try {
      const key = createPrivateKey(material.key);
      const keyId = settings.keyId ?? (await thumbprint(key));
      await assertPublished(material.jwks, key, settings.keyId);
      const issuer = new JwtIssuer(material.jwks, key, keyId, settings);
      // An algorithm that does not fit the key shows itself here, not at the first request.
      const trial = { spiffeId: "", audiences: [], nowMs: 0, allowedClockSkewMs: 0 };
      await issuer.issue(trial);
      return issuer;
    } catch (cause) {
      throw new OutriggerError(`failed to verify JWT bundle: ${errorText(cause)}`, {
        code: "OTR_OPTIONS_INVALID",
        cause,
      });
    }
  }

  issue({ spiffeId, audiences, nowMs, allowedClockSkewMs }: JwtRequest): Promise<string> {
    const { issuer, ttlMs = 24 * 3_600_000 } = this.#settings;
    const now = Math.floor(nowMs / 1_000);
    const token = new SignJWT({ use: "sig" })
      .setProtectedHeader({ alg: this.algorithm, kid: this.#keyId, typ: "JWT" })
      .setJti(randomBytes(16).toString("hex"))
      .setSubject(spiffeId)
      .setAudience([...audiences])
      .setIssuedAt(now)
      .setNotBefore(Math.floor((nowMs - allowedClockSkewMs) / 1_000))
      .setExpirationTime(now + Math.floor(ttlMs / 1_000));
    if (issuer !== undefined) token.setIssuer(issuer);
    return token.sign(this.#key);
  }
}

/** Makes a key that fits the algorithm, and the set that publishes it. */
export async function createJwtMaterial(settings: JwtSettings): Promise<JwtMaterial> {
  const algorithm = algorithmOf(settings);
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true });
  const key = await exportPKCS8(privateKey);
  const parsed = createPrivateKey(key);
  const jwk = await exportJWK(createPublicKey(parsed));
  const keyId = settings.keyId ?? (await thumbprint(parsed));
  const published = { ...jwk, kid: keyId, alg: algorithm, use: "sig" };
  return {
    key: key.endsWith("\n") ? key : `${key}\n`,
    jwks: JSON.stringify({ keys: [published] }),
  };
}

function algorithmOf({ algorithm = "RS256" }: JwtSettings): string {
  if (algorithms.has(algorithm)) return algorithm;
  throw new OutriggerError(`unsupported JWT signing algorithm: ${algorithm}`, {
    code: "OTR_OPTIONS_INVALID",
  });
}

/** RFC 7638, but in standard base64 with padding: so Dapr writes key ids. */
async function thumbprint(key: KeyObject): Promise<string> {
  return toStandardBase64(await calculateJwkThumbprint(await publicJwk(key)));
}

function toStandardBase64(base64url: string): string {
  return Buffer.from(base64url, "base64url").toString("base64");
}

async function publicJwk(key: KeyObject): Promise<JWK> {
  return exportJWK(createPublicKey(key));
}

async function assertPublished(
  jwks: string,
  key: KeyObject,
  keyId: string | undefined,
): Promise<void> {
  const { keys } = JSON.parse(jwks) as { keys?: JWK[] };
  if (!Array.isArray(keys) || keys.length === 0) throw new Error("JWKS is empty");
  const own = await calculateJwkThumbprint(await publicJwk(key));
  const candidates = keyId === undefined ? keys : keys.filter(({ kid }) => kid === keyId);
  for (const candidate of candidates) {
    if ((await calculateJwkThumbprint(candidate)) === own) return;
  }
  throw new Error("JWKS does not contain the public key of the signing key");
}
