/** One block of a PEM text. */
export interface PemBlock {
  readonly label: string;
  readonly der: Buffer;
  /** The block as it stands in the text, with a newline at the end. */
  readonly text: string;
}

// No two parts of the pattern can match the same text: its work grows with the length only.
const block = /-----BEGIN ([A-Z0-9 ]+)-----([^-]*)-----END \1-----/g;

/** The blocks of a PEM text in order; text between them is passed over. */
export function pemBlocks(pem: string): readonly PemBlock[] {
  return [...pem.matchAll(block)].flatMap(([text, label = "", body = ""]) => {
    const data = body.replace(/\s+/g, "");
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(data)) return [];
    return [{ label, der: Buffer.from(data, "base64"), text: `${text}\n` }];
  });
}

/** Prints DER as a PEM block (RFC 7468). */
export function toPem(label: string, der: Uint8Array): string {
  const data = Buffer.from(der.buffer, der.byteOffset, der.byteLength).toString("base64");
  const lines = data.match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}

/**
 * The certificates at the start of a bundle: Dapr stops at the first block of another kind.
 * @throws Error when there is none.
 */
export function leadingCertificates(pem: string, what: string): readonly PemBlock[] {
  const blocks = pemBlocks(pem);
  const end = blocks.findIndex(({ label }) => label !== "CERTIFICATE");
  const certificates = end === -1 ? blocks : blocks.slice(0, end);
  if (certificates.length === 0) throw new Error(`no certificates found in ${what}`);
  return certificates;
}
