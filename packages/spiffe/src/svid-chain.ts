import { X509Certificate } from "node:crypto";
import { criticalExtensions, readConstraints } from "./x509-extensions.ts";

/** More certificates than this below the anchor are nobody's honest chain. */
const maxDepth = 8;

/** Signatures that are checked for one chain: certificates that sign each other in rings cost no more. */
const maxChecks = 64;

/** A chain to verify. */
export interface ChainToVerify {
  readonly leaf: X509Certificate;
  /** What the peer sent beside its leaf, in any order. */
  readonly intermediates: readonly X509Certificate[];
  readonly anchors: readonly X509Certificate[];
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
}

/**
 * Verifies that a leaf descends from one of the anchors: signatures, validity, and the right of
 * every issuer to issue (RFC 5280 section 6). OpenSSL picks one anchor by its name and gives up when
 * that is the wrong one; while a root is being replaced there are two of the same name, and Dapr's
 * issuers carry no key identifier to tell them apart. So all candidates are tried, as Go does.
 * @returns the reason for which no chain was found; `undefined` when there is one.
 */
export function verifyChain({
  leaf,
  intermediates,
  anchors,
  nowMs,
}: ChainToVerify): Error | undefined {
  if (!isValidAt(leaf, nowMs)) {
    return new Error("x509: certificate has expired or is not yet valid");
  }
  const budget = { checksLeft: maxChecks };
  const few = intermediates.slice(0, maxDepth);
  const search: Search = { intermediates: few, anchors, nowMs, budget };
  return descends(leaf, 0, search)
    ? undefined
    : new Error("x509: certificate signed by unknown authority");
}

interface Search {
  readonly intermediates: readonly X509Certificate[];
  readonly anchors: readonly X509Certificate[];
  readonly nowMs: number;
  readonly budget: { checksLeft: number };
}

/** @param below intermediates between the leaf and this certificate. */
function descends(certificate: X509Certificate, below: number, search: Search): boolean {
  const issued = (by: X509Certificate): boolean => isIssuer(by, certificate, below, search);
  if (search.anchors.some(issued)) return true;
  if (below >= maxDepth) return false;
  return search.intermediates.some((each) => {
    if (each.raw.equals(certificate.raw) || !issued(each)) return false;
    const rest = search.intermediates.filter((other) => other !== each);
    return descends(each, below + 1, { ...search, intermediates: rest });
  });
}

function isIssuer(
  issuer: X509Certificate,
  certificate: X509Certificate,
  below: number,
  { nowMs, budget }: Search,
): boolean {
  if (issuer.subject !== certificate.issuer || !isValidAt(issuer, nowMs)) return false;
  if (!mayIssue(issuer, below) || budget.checksLeft === 0) return false;
  budget.checksLeft -= 1;
  try {
    return certificate.verify(issuer.publicKey);
  } catch {
    // A key of another family cannot have signed it.
    return false;
  }
}

function mayIssue(issuer: X509Certificate, below: number): boolean {
  const { isCa, pathLength, signsCertificates, hasKeyUsage } = readConstraints(issuer.raw);
  if (!isCa || (hasKeyUsage && !signsCertificates)) return false;
  if (pathLength !== undefined && below > pathLength) return false;
  // Constraints that are not understood here, above all on names, must not be passed over.
  return criticalExtensions(issuer.raw).every((id) => understood.has(id));
}

/** Basic constraints, key usage and extended key usage, which does not bind issuers here. */
const understood: ReadonlySet<string> = new Set(["551d13", "551d0f", "551d25", "551d11"]);

function isValidAt(certificate: X509Certificate, nowMs: number): boolean {
  return nowMs >= Date.parse(certificate.validFrom) && nowMs <= Date.parse(certificate.validTo);
}

const pemBlock = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * Certificates of a PEM bundle; text between the blocks is passed over.
 * @throws Error when a block holds no certificate.
 */
export function parseCertificates(pem: string): readonly X509Certificate[] {
  return (pem.match(pemBlock) ?? []).map((block) => new X509Certificate(block));
}
