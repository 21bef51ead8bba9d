/** Tags of ASN.1 in DER (X.690 section 8) that certificates use. */
export const derTag = {
  boolean: 0x01,
  integer: 0x02,
  octetString: 0x04,
  objectIdentifier: 0x06,
  sequence: 0x30,
} as const;

/** One element: its tag and its contents, a view of the input. */
export interface DerElement {
  readonly tag: number;
  readonly value: Uint8Array;
}

/**
 * Elements that follow one another in DER bytes.
 * @throws RangeError when the bytes are not DER.
 */
export function derElements(bytes: Uint8Array): readonly DerElement[] {
  const elements: DerElement[] = [];
  let position = 0;
  while (position < bytes.length) {
    const tag = bytes[position] as number;
    // Certificates use no tag numbers above 30.
    if ((tag & 0x1f) === 0x1f) throw new RangeError("DER tag has more than one byte");
    const { length, start } = lengthAt(bytes, position + 1);
    if (length > bytes.length - start) throw new RangeError("DER element is cut off");
    elements.push({ tag, value: bytes.subarray(start, start + length) });
    position = start + length;
  }
  return elements;
}

/** Length octets (X.690 section 8.1.3); the indefinite form is not DER. */
function lengthAt(bytes: Uint8Array, position: number): { length: number; start: number } {
  const first = bytes[position];
  if (first === undefined) throw new RangeError("DER length is missing");
  if (first < 0x80) return { length: first, start: position + 1 };
  const count = first & 0x7f;
  if (count === 0 || count > 4) throw new RangeError("DER length has a wrong form");
  let length = 0;
  for (let index = 1; index <= count; index++) {
    const byte = bytes[position + index];
    if (byte === undefined) throw new RangeError("DER length is cut off");
    length = length * 256 + byte;
  }
  return { length, start: position + 1 + count };
}
