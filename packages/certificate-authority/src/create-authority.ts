import type { AuthorityMaterial } from "./authority-material.ts";
import { exportPrivateKey, generateEd25519, type SigningAlgorithm } from "./signing-key.ts";
import { randomSerial, wholeSeconds } from "./validity.ts";
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from "./x509-library.ts";

/** What a new authority is made for. */
export interface NewAuthority {
  readonly trustDomain: string;
  /** SPIFFE id of the authority itself; the name of its issuer. */
  readonly spiffeId: string;
  /** How far the validity reaches back, in milliseconds. */
  readonly allowedClockSkewMs: number;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
}

const lifetimeMs = 365 * 24 * 3_600_000;
const algorithm: SigningAlgorithm = { name: "Ed25519" };

/**
 * Makes a root and an issuer. The root's key signs the issuer and is forgotten. As with Dapr,
 * the issuer does not name the root's key; peers that meet two roots of one name must try both.
 */
export async function createAuthority(options: NewAuthority): Promise<AuthorityMaterial> {
  const { trustDomain, spiffeId, allowedClockSkewMs, nowMs } = options;
  const validity = {
    notBefore: wholeSeconds(nowMs - allowedClockSkewMs),
    notAfter: wholeSeconds(nowMs + lifetimeMs),
    signingAlgorithm: algorithm,
  };
  const rootKeys = await generateEd25519();
  const root = await X509CertificateGenerator.createSelfSigned({
    ...validity,
    name: [{ O: [trustDomain] }],
    serialNumber: randomSerial(),
    keys: rootKeys,
    extensions: [
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature | KeyUsageFlags.keyCertSign, true),
      new BasicConstraintsExtension(true, undefined, true),
      await SubjectKeyIdentifierExtension.create(rootKeys.publicKey),
    ],
  });
  const issuerKeys = await generateEd25519();
  const issuer = await X509CertificateGenerator.create({
    ...validity,
    subject: [{ O: [spiffeId] }],
    issuer: root.subjectName,
    serialNumber: randomSerial(),
    publicKey: issuerKeys.publicKey,
    signingKey: rootKeys.privateKey,
    extensions: [
      new KeyUsagesExtension(issuerUsage, true),
      new BasicConstraintsExtension(true, undefined, true),
      await SubjectKeyIdentifierExtension.create(issuerKeys.publicKey),
    ],
  });
  return {
    trustAnchors: `${root.toString("pem")}\n`,
    issuerChain: `${issuer.toString("pem")}\n`,
    issuerKey: await exportPrivateKey(issuerKeys.privateKey),
  };
}

const issuerUsage =
  KeyUsageFlags.digitalSignature | KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign;
