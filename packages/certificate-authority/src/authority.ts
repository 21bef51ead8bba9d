import type { SigningKey } from "./signing-key.ts";
import { randomSerial, wholeSeconds } from "./validity.ts";
import {
  AuthorityKeyIdentifierExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  type ParsedCertificate,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from "./x509-library.ts";

/** What an authority is made of, checked. */
export interface AuthorityParts {
  /** PEM of all roots. */
  readonly trustAnchors: string;
  readonly issuer: ParsedCertificate;
  /** PEM of the issuer and of the intermediates above it, without roots. */
  readonly chain: readonly string[];
  readonly key: SigningKey;
}

/** A certificate to issue. */
export interface LeafRequest {
  /** Public key of the holder as SubjectPublicKeyInfo in DER. */
  readonly publicKey: Uint8Array;
  readonly spiffeId: string;
  /** Names of a control plane service; workloads have none. */
  readonly dnsNames?: readonly string[];
  readonly nowMs: number;
  /** How long it is valid from now, in milliseconds; less when the issuer ends sooner. */
  readonly ttlMs: number;
  /** How far the validity reaches back, in milliseconds. */
  readonly allowedClockSkewMs: number;
}

/** An issued certificate. */
export interface IssuedLeaf {
  /** PEM: the leaf, then the issuer's chain without the root. */
  readonly certificateChain: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** Issues certificates with the key of one issuer. */
export class Authority {
  /** PEM of all roots. */
  readonly trustAnchors: string;
  /** End of the issuer's validity in milliseconds since the epoch. */
  readonly expiresAtMs: number;
  readonly #parts: AuthorityParts;

  constructor(parts: AuthorityParts) {
    this.#parts = parts;
    this.trustAnchors = parts.trustAnchors;
    this.expiresAtMs = parts.issuer.notAfter.getTime();
  }

  /** @throws Error when the issuer has expired or the key is of no use. */
  async issue(request: LeafRequest): Promise<IssuedLeaf> {
    const { issuer, chain, key } = this.#parts;
    const notBefore = wholeSeconds(request.nowMs - request.allowedClockSkewMs);
    // A leaf that outlives its issuer would look valid and be refused by everybody.
    const notAfter = wholeSeconds(Math.min(request.nowMs + request.ttlMs, this.expiresAtMs));
    if (notAfter.getTime() < Math.max(request.nowMs - 1_000, notBefore.getTime())) {
      throw new Error("the issuer certificate has expired");
    }
    const leaf = await X509CertificateGenerator.create({
      subject: "",
      issuer: issuer.subjectName,
      serialNumber: randomSerial(),
      notBefore,
      notAfter,
      publicKey: request.publicKey,
      signingKey: key.webKey,
      signingAlgorithm: key.algorithm,
      extensions: leafExtensions(request, issuer),
    });
    return {
      certificateChain: [`${leaf.toString("pem")}\n`, ...chain].join(""),
      notBeforeMs: notBefore.getTime(),
      notAfterMs: notAfter.getTime(),
    };
  }
}

function leafExtensions(request: LeafRequest, issuer: ParsedCertificate): Extension[] {
  const names = [
    ...(request.dnsNames ?? []).map((value) => ({ type: "dns" as const, value })),
    { type: "url" as const, value: request.spiffeId },
  ];
  const extensions: Extension[] = [
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
    // Critical, because the subject is empty (RFC 5280 section 4.2.1.6).
    new SubjectAlternativeNameExtension(names, true),
  ];
  const keyId = issuer.getExtension(SubjectKeyIdentifierExtension)?.keyId;
  if (keyId !== undefined) extensions.push(new AuthorityKeyIdentifierExtension(keyId));
  return extensions;
}
