import { errorText, type Logger } from "@outrigger/core";
import type { Authority } from "./authority.ts";
import type { AuthorityMaterial } from "./authority-material.ts";
import { createAuthority } from "./create-authority.ts";
import { createJwtMaterial, JwtIssuer, type JwtSettings } from "./jwt-issuer.ts";
import { loadAuthority } from "./load-authority.ts";
import type { MaterialStore, StoredMaterial } from "./material-store.ts";
import type { AuthorityMetrics } from "./metrics.ts";

/** What a keeper works with. */
export interface KeeperParts {
  readonly store: MaterialStore;
  readonly trustDomain: string;
  readonly spiffeId: string;
  readonly allowedClockSkewMs: number;
  /** Absent: no tokens are issued. */
  readonly jwt?: JwtSettings | undefined;
  readonly metrics: AuthorityMetrics;
  readonly log: Logger;
  readonly now: () => number;
}

/** Holds the authority of now: loads it, makes one where there is none, takes over changes. */
export class AuthorityKeeper {
  readonly #parts: KeeperParts;
  #stored: StoredMaterial = {};
  #authority: Authority | undefined;
  #jwtIssuer: JwtIssuer | undefined;

  constructor(parts: KeeperParts) {
    this.#parts = parts;
  }

  /** @throws Error before `start`. */
  authority(): Authority {
    if (this.#authority === undefined) throw new Error("the authority is not loaded yet");
    return this.#authority;
  }

  jwtIssuer(): JwtIssuer | undefined {
    return this.#jwtIssuer;
  }

  /** @throws OutriggerError `OTR_OPTIONS_INVALID` when there is material that does not hold. */
  async start(signal: AbortSignal): Promise<void> {
    const { store, jwt, log, metrics } = this.#parts;
    const found = await store.load(signal);
    const made: { -readonly [Part in keyof StoredMaterial]: StoredMaterial[Part] } = {};
    if (completeX509(found) === undefined) {
      log.log("info", "Root and issuer certs not found: generating self signed CA");
      Object.assign(made, await createAuthority({ ...this.#parts, nowMs: this.#parts.now() }));
    }
    if (jwt !== undefined && (found.jwtKey === undefined || found.jwks === undefined)) {
      log.log("info", "JWT signing key not found: generating one");
      const { key, jwks } = await createJwtMaterial(jwt);
      Object.assign(made, { jwtKey: key, jwks });
    }
    await this.#take({ ...found, ...made });
    if (Object.keys(made).length === 0) return;
    await store.save(made, signal);
    if (made.issuerKey !== undefined) metrics.issuerChanged();
  }

  /**
   * Reads the store again.
   * @returns whether anything has changed.
   * @throws Error when the new material does not hold; the old stays in use.
   */
  async reload(signal: AbortSignal): Promise<boolean> {
    const found = await this.#parts.store.load(signal);
    if (isSame(found, this.#stored)) return false;
    if (completeX509(found) === undefined) {
      throw new Error("the issuer credentials are not complete");
    }
    await this.#take(found);
    this.#parts.metrics.issuerChanged();
    return true;
  }

  /** All or nothing: a half of the new material is never used. */
  async #take(material: StoredMaterial): Promise<void> {
    const { jwt, now, metrics } = this.#parts;
    const x509 = completeX509(material);
    if (x509 === undefined) throw new Error("the issuer credentials are not complete");
    const authority = await loadAuthority(x509, now());
    if (jwt !== undefined) {
      const { jwtKey: key = "", jwks = "" } = material;
      this.#jwtIssuer = await JwtIssuer.load({ key, jwks }, jwt);
    }
    this.#authority = authority;
    this.#stored = material;
    metrics.issuerExpires(authority.expiresAtMs);
  }
}

function completeX509(material: StoredMaterial): AuthorityMaterial | undefined {
  const { trustAnchors, issuerChain, issuerKey } = material;
  if (trustAnchors === undefined || issuerChain === undefined || issuerKey === undefined) {
    return undefined;
  }
  return { trustAnchors, issuerChain, issuerKey };
}

function isSame(one: StoredMaterial, other: StoredMaterial): boolean {
  return (["trustAnchors", "issuerChain", "issuerKey", "jwtKey", "jwks"] as const).every(
    (part) => one[part] === other[part],
  );
}

/** For the log when a change was not taken. */
export function notTaken(reason: unknown): string {
  return `New issuer credentials were not taken, the old ones stay in use: ${errorText(reason)}`;
}
