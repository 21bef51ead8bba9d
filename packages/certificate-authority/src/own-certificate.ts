import { webcrypto } from "node:crypto";
import { errorText, type Logger } from "@outrigger/core";
import type { OwnCertificate } from "@outrigger/spiffe";
import type { Authority } from "./authority.ts";
import type { AuthorityMetrics } from "./metrics.ts";
import { exportPrivateKey, generateEd25519 } from "./signing-key.ts";

/** Short enough to notice that the machine slept. */
const longestTimerMs = 60_000;
const retryMs = 10_000;
/** A certificate that is half over when it is issued must not lead to a busy loop. */
const shortestTimerMs = 100;

/** What the certificate is made with. */
export interface OwnCertificateParts {
  readonly authority: () => Authority;
  readonly spiffeId: string;
  readonly ttlMs: number;
  readonly allowedClockSkewMs: number;
  readonly metrics: AuthorityMetrics;
  readonly log: Logger;
  readonly now: () => number;
  /** Told about each new certificate but the first. */
  readonly onRenewed: () => void;
}

/** The authority's own certificate, which it shows to its clients; renewed at half of its life. */
export class RotatingCertificate {
  readonly #parts: OwnCertificateParts;
  #current: OwnCertificate | undefined;
  #timer: NodeJS.Timeout | undefined;
  #renewAt = 0;
  #stopped = false;

  constructor(parts: OwnCertificateParts) {
    this.#parts = parts;
  }

  get ready(): boolean {
    return this.#current !== undefined;
  }

  /** @throws Error before the first one was issued. */
  current(): OwnCertificate {
    if (this.#current === undefined) throw new Error("the authority has no certificate yet");
    return this.#current;
  }

  /** @throws Error when the first certificate cannot be issued. */
  async start(): Promise<void> {
    await this.#issue();
    this.#schedule();
  }

  /** For a new issuer. Keeps the old certificate when there is no new one. */
  async renew(): Promise<void> {
    try {
      await this.#issue();
      if (!this.#stopped) this.#parts.onRenewed();
    } catch (reason) {
      this.#parts.metrics.ownCertificateFailed("sign");
      this.#parts.log.log("error", `Failed to renew the server certificate: ${errorText(reason)}`);
      this.#renewAt = this.#parts.now() + retryMs;
    }
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #issue(): Promise<void> {
    const { authority, spiffeId, ttlMs, allowedClockSkewMs, now } = this.#parts;
    const keys = await generateEd25519();
    const nowMs = now();
    const leaf = await authority().issue({
      publicKey: await publicKeyDer(keys.publicKey),
      spiffeId,
      nowMs,
      ttlMs,
      allowedClockSkewMs,
    });
    this.#current = {
      certificateChain: leaf.certificateChain,
      privateKey: await exportPrivateKey(keys.privateKey),
    };
    const half = (leaf.notBeforeMs + leaf.notAfterMs) / 2;
    this.#renewAt = Math.max(half, nowMs + (leaf.notAfterMs - nowMs) / 2);
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    if (this.#stopped) return;
    const left = this.#renewAt - this.#parts.now();
    const delay = Math.min(longestTimerMs, Math.max(shortestTimerMs, left));
    this.#timer = setTimeout(() => {
      if (this.#parts.now() >= this.#renewAt) void this.renew();
      else this.#schedule();
    }, delay);
    this.#timer.unref();
  }
}

async function publicKeyDer(key: webcrypto.CryptoKey): Promise<Uint8Array> {
  return new Uint8Array(await webcrypto.subtle.exportKey("spki", key));
}
