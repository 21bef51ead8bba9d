import type { PeerIdentity } from "@outrigger/core";
import { toPeerIdentity } from "./spiffe-id.ts";
import { readConstraints, urisOf } from "./x509-extensions.ts";

/**
 * The identity in a certificate, by the rules for leaves of X509-SVID sections 2 and 4: exactly one
 * URI, a SPIFFE id, and no right to sign. The chain is verified elsewhere.
 * @param der the certificate as it was sent.
 * @throws Error with the reason, in the words of go-spiffe, when the certificate proves no identity.
 */
export function identityOfLeaf(der: Uint8Array): PeerIdentity {
  const [uri, second] = urisOf(der);
  if (uri === undefined) throw new Error("certificate contains no URI SAN");
  if (second !== undefined) throw new Error("certificate contains more than one URI SAN");
  const identity = toPeerIdentity(uri);
  if (identity === undefined) throw new Error(`certificate URI SAN is no SPIFFE ID: ${uri}`);
  const { isCa, signsCertificates, signsRevocations } = readConstraints(der);
  if (isCa) throw new Error("leaf certificate with CA flag set to true");
  if (signsCertificates) throw new Error("leaf certificate with KeyCertSign key usage");
  if (signsRevocations) throw new Error("leaf certificate with KeyCrlSign key usage");
  return identity;
}
