import { X509Certificate } from "node:crypto";
import { errorText, OutriggerError } from "@outrigger/core";
import { verifyChain } from "@outrigger/spiffe";
import { Authority } from "./authority.ts";
import type { AuthorityMaterial } from "./authority-material.ts";
import { leadingCertificates, type PemBlock } from "./pem.ts";
import { readSigningKey } from "./signing-key.ts";
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  ParsedCertificate,
} from "./x509-library.ts";

/**
 * Checks the material of an authority in Dapr's order, and makes it ready to issue. Stricter than
 * Dapr in one point: an issuer must be a CA and have the right to sign.
 * @throws OutriggerError `OTR_OPTIONS_INVALID` with the first reason.
 */
export async function loadAuthority(
  material: AuthorityMaterial,
  nowMs: number,
): Promise<Authority> {
  try {
    const anchors = readAnchors(material.trustAnchors);
    const chain = readChain(material.issuerChain);
    const [issuer] = chain;
    if (issuer === undefined) throw new Error("no certificates found in issuer chain");
    assertMaySign(issuer.x509);
    const key = await readSigningKey(material.issuerKey);
    if (!issuer.x509.checkPrivateKey(key.key)) {
      throw new Error("issuer key does not match issuer certificate");
    }
    assertBelongs(chain, anchors, nowMs);
    return new Authority({
      trustAnchors: anchors.map(({ text }) => text).join(""),
      issuer: new ParsedCertificate(issuer.x509.raw),
      chain: chain.filter(({ x509 }) => !isSelfSigned(x509)).map(({ text }) => text),
      key,
    });
  } catch (cause) {
    throw new OutriggerError(`failed to verify CA bundle: ${errorText(cause)}`, {
      code: "OTR_OPTIONS_INVALID",
      cause,
    });
  }
}

interface Certificate {
  readonly x509: X509Certificate;
  readonly text: string;
}

function readAnchors(pem: string): readonly Certificate[] {
  const anchors = leadingCertificates(pem, "trust anchors").map(parse);
  for (const { x509 } of anchors) {
    if (isSelfSigned(x509)) continue;
    throw new Error(`certificate in trust anchor is not self-signed: ${x509.subject}`);
  }
  return anchors;
}

function readChain(pem: string): readonly Certificate[] {
  const chain = leadingCertificates(pem, "issuer chain").map(parse);
  chain.forEach(({ x509 }, index) => {
    const above = chain[index + 1];
    if (above === undefined) return;
    if (!x509.checkIssued(above.x509) || !isSignedBy(x509, above.x509)) {
      throw new Error("certificate chain is not valid");
    }
  });
  const last = chain[chain.length - 1];
  const hasRoot = chain.length > 1 && last !== undefined && isSelfSigned(last.x509);
  return hasRoot ? chain.slice(0, -1) : chain;
}

function parse({ der, text }: PemBlock): Certificate {
  try {
    return { x509: new X509Certificate(der), text };
  } catch (cause) {
    throw new Error(`certificate cannot be parsed: ${errorText(cause)}`, { cause });
  }
}

function isSelfSigned(certificate: X509Certificate): boolean {
  return certificate.subject === certificate.issuer && isSignedBy(certificate, certificate);
}

function isSignedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return certificate.verify(issuer.publicKey);
  } catch {
    // A key of another family cannot have signed it.
    return false;
  }
}

function assertMaySign(issuer: X509Certificate): void {
  const parsed = new ParsedCertificate(issuer.raw);
  const constraints = parsed.getExtension(BasicConstraintsExtension);
  const usages = parsed.getExtension(KeyUsagesExtension)?.usages;
  const signs = usages === undefined || (usages & KeyUsageFlags.keyCertSign) !== 0;
  if (constraints?.ca !== true || !signs) {
    throw new Error("issuer certificate is not allowed to sign other certificates");
  }
}

function assertBelongs(
  chain: readonly Certificate[],
  anchors: readonly Certificate[],
  nowMs: number,
): void {
  const [leaf, ...above] = chain;
  if (leaf === undefined || anchors.some(({ x509 }) => x509.raw.equals(leaf.x509.raw))) return;
  const refusal = verifyChain({
    leaf: leaf.x509,
    intermediates: above.map(({ x509 }) => x509),
    anchors: anchors.map(({ x509 }) => x509),
    nowMs,
  });
  if (refusal !== undefined) {
    throw new Error(`issuer chain does not belong to trust anchors: ${refusal.message}`);
  }
}
