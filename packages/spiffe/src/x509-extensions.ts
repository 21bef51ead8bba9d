import { type DerElement, derElements, derTag } from "./der-reader.ts";

/** What a certificate says about its holder (RFC 5280 section 4.2.1). */
export interface CertificateConstraints {
  readonly isCa: boolean;
  /** Most intermediates that may follow; `undefined` = any number. */
  readonly pathLength: number | undefined;
  readonly hasKeyUsage: boolean;
  readonly signsCertificates: boolean;
  readonly signsRevocations: boolean;
}

/** DER of the object identifiers 2.5.29.15, .17 and .19. */
const keyUsageId = "551d0f";
const alternativeNamesId = "551d11";
const basicConstraintsId = "551d13";

/** @throws RangeError when the bytes are no certificate. */
export function readConstraints(der: Uint8Array): CertificateConstraints {
  let basic: { isCa: boolean; pathLength: number | undefined } | undefined;
  let usage: Uint8Array | undefined;
  for (const { id, value } of extensionsOf(der)) {
    if (id === basicConstraintsId) basic = readBasicConstraints(value);
    else if (id === keyUsageId) usage = derElements(value)[0]?.value;
  }
  // Bit 5 is keyCertSign, bit 6 cRLSign; the first byte counts unused bits.
  const bits = usage?.[1] ?? 0;
  return {
    isCa: basic?.isCa ?? false,
    pathLength: basic?.pathLength,
    hasKeyUsage: usage !== undefined,
    signsCertificates: (bits & 0b0000_0100) !== 0,
    signsRevocations: (bits & 0b0000_0010) !== 0,
  };
}

/**
 * URIs among the alternative names. Node's own text form of the names is for display and cannot be
 * split safely, so the DER is read.
 * @throws RangeError when the bytes are no certificate.
 */
export function urisOf(der: Uint8Array): readonly string[] {
  const uris: string[] = [];
  for (const { id, value } of extensionsOf(der)) {
    if (id !== alternativeNamesId) continue;
    for (const { tag, value: name } of derElements(only(derElements(value), derTag.sequence))) {
      // GeneralName [6] is a URI (section 4.2.1.6).
      if (tag === 0x86) uris.push(Buffer.from(name).toString("latin1"));
    }
  }
  return uris;
}

/** Object identifiers of the extensions that must be understood, as hex of their DER. */
export function criticalExtensions(der: Uint8Array): readonly string[] {
  return [...extensionsOf(der)].filter(({ critical }) => critical).map(({ id }) => id);
}

interface Extension {
  readonly id: string;
  readonly critical: boolean;
  readonly value: Uint8Array;
}

function* extensionsOf(der: Uint8Array): Generator<Extension> {
  const [body] = derElements(only(derElements(der), derTag.sequence));
  if (body === undefined) throw new RangeError("certificate has no body");
  // The extensions are the element [3] of the body (section 4.1).
  const wrapped = derElements(body.value).find(({ tag }) => tag === 0xa3);
  if (wrapped === undefined) return;
  for (const extension of derElements(only(derElements(wrapped.value), derTag.sequence))) {
    const parts = derElements(extension.value);
    const [id, flag] = parts;
    const value = parts[parts.length - 1];
    if (id?.tag !== derTag.objectIdentifier || value?.tag !== derTag.octetString) {
      throw new RangeError("certificate extension has a wrong form");
    }
    yield {
      id: Buffer.from(id.value).toString("hex"),
      critical: flag?.tag === derTag.boolean && flag.value[0] !== 0,
      value: value.value,
    };
  }
}

function readBasicConstraints(value: Uint8Array): {
  isCa: boolean;
  pathLength: number | undefined;
} {
  const parts = derElements(only(derElements(value), derTag.sequence));
  const isCa = parts[0]?.tag === derTag.boolean && parts[0].value[0] !== 0;
  const length = parts.find(({ tag }) => tag === derTag.integer)?.value;
  if (length === undefined) return { isCa, pathLength: undefined };
  return { isCa, pathLength: Number.parseInt(Buffer.from(length).toString("hex") || "0", 16) };
}

function only(elements: readonly DerElement[], tag: number): Uint8Array {
  const [element] = elements;
  if (elements.length !== 1 || element?.tag !== tag) {
    throw new RangeError("certificate has a wrong form");
  }
  return element.value;
}
