import type { PeerIdentity } from "@outrigger/core";
import { type DerElement, derElements, derTag } from "./der-reader.ts";
import { toPeerIdentity } from "./spiffe-id.ts";

/** What a certificate says about its holder. */
interface LeafFacts {
  readonly uris: readonly string[];
  readonly isCa: boolean;
  readonly signsCertificates: boolean;
  readonly signsRevocations: boolean;
}

/**
 * The identity in a certificate whose chain is verified already, by the rules for leaves of
 * X509-SVID sections 2 and 4: exactly one URI, a SPIFFE id, and no right to sign. Node's own text
 * form of the names is for display and cannot be split safely, so the DER is read.
 * @param der the certificate as it was sent.
 * @throws Error with the reason, in the words of go-spiffe, when the certificate proves no identity.
 */
export function identityOfLeaf(der: Uint8Array): PeerIdentity {
  const facts = readLeaf(der);
  const [uri] = facts.uris;
  if (uri === undefined) throw new Error("certificate contains no URI SAN");
  if (facts.uris.length > 1) throw new Error("certificate contains more than one URI SAN");
  const identity = toPeerIdentity(uri);
  if (identity === undefined) throw new Error(`certificate URI SAN is no SPIFFE ID: ${uri}`);
  if (facts.isCa) throw new Error("leaf certificate with CA flag set to true");
  if (facts.signsCertificates) {
    throw new Error("leaf certificate with KeyCertSign key usage");
  }
  if (facts.signsRevocations) throw new Error("leaf certificate with KeyCrlSign key usage");
  return identity;
}

/** DER of the object identifiers 2.5.29.15, .17 and .19 (RFC 5280 section 4.2.1). */
const keyUsageId = "551d0f";
const alternativeNamesId = "551d11";
const basicConstraintsId = "551d13";

function readLeaf(der: Uint8Array): LeafFacts {
  let uris: readonly string[] = [];
  let isCa = false;
  let usage: Uint8Array = new Uint8Array(0);
  for (const { id, value } of extensionsOf(der)) {
    if (id === alternativeNamesId) uris = urisOf(value);
    else if (id === basicConstraintsId) isCa = isCaOf(value);
    else if (id === keyUsageId) usage = derElements(value)[0]?.value ?? usage;
  }
  // Bit 5 is keyCertSign, bit 6 cRLSign; the first byte counts unused bits.
  const bits = usage[1] ?? 0;
  return {
    uris,
    isCa,
    signsCertificates: (bits & 0b0000_0100) !== 0,
    signsRevocations: (bits & 0b0000_0010) !== 0,
  };
}

function* extensionsOf(der: Uint8Array): Generator<{ id: string; value: Uint8Array }> {
  const certificate = only(derElements(der), derTag.sequence);
  const body = derElements(certificate)[0];
  if (body === undefined) throw new RangeError("certificate has no body");
  // The extensions are the element [3] of the body (RFC 5280 section 4.1).
  const wrapped = derElements(body.value).find(({ tag }) => tag === 0xa3);
  if (wrapped === undefined) return;
  for (const extension of derElements(only(derElements(wrapped.value), derTag.sequence))) {
    const parts = derElements(extension.value);
    const id = parts[0];
    const value = parts[parts.length - 1];
    if (id?.tag !== derTag.objectIdentifier || value?.tag !== derTag.octetString) {
      throw new RangeError("certificate extension has a wrong form");
    }
    yield { id: Buffer.from(id.value).toString("hex"), value: value.value };
  }
}

/** GeneralName [6] is a URI (RFC 5280 section 4.2.1.6). */
function urisOf(value: Uint8Array): readonly string[] {
  return derElements(only(derElements(value), derTag.sequence))
    .filter(({ tag }) => tag === 0x86)
    .map((name) => Buffer.from(name.value).toString("latin1"));
}

function isCaOf(value: Uint8Array): boolean {
  const first = derElements(only(derElements(value), derTag.sequence))[0];
  return first?.tag === derTag.boolean && first.value[0] !== 0;
}

function only(elements: readonly DerElement[], tag: number): Uint8Array {
  const [element] = elements;
  if (elements.length !== 1 || element?.tag !== tag) {
    throw new RangeError("certificate has a wrong form");
  }
  return element.value;
}
