import { errorText } from "@outrigger/core";
import { pemBlocks } from "./pem.ts";
import { Pkcs10CertificateRequest } from "./x509-library.ts";

/** Longest request that is looked at; an RSA key of 16384 bits fits. */
const maxRequestBytes = 64 * 1_024;

/**
 * The public key of a certificate signing request, whose signature proves that the sender holds the
 * private one. Names and extensions in it are not looked at.
 * @param pem PEM; the old label `CERTIFICATE` is read as well.
 * @returns SubjectPublicKeyInfo in DER.
 * @throws Error with Dapr's text.
 */
export async function publicKeyOfRequest(pem: Uint8Array): Promise<Uint8Array> {
  const text = pem.length > maxRequestBytes ? "" : Buffer.from(pem).toString("latin1");
  const [block] = pemBlocks(text);
  if (block?.label !== "CERTIFICATE REQUEST" && block?.label !== "CERTIFICATE") {
    throw new Error("invalid certificate signing request");
  }
  if (!isOneSequence(block.der)) {
    throw new Error("failed to parse certificate signing request: not one whole ASN.1 sequence");
  }
  let request: Pkcs10CertificateRequest;
  try {
    request = new Pkcs10CertificateRequest(block.der);
  } catch (cause) {
    throw new Error(`failed to parse certificate signing request: ${errorText(cause)}`, { cause });
  }
  if (!(await hasValidSignature(request))) throw new Error("invalid signature");
  return new Uint8Array(request.publicKey.rawData);
}

/**
 * Whether the outermost length is that of the bytes (ITU-T X.690, section 8.1.3): the library reads on
 * behind a length that is too short, and passes over what follows the end.
 */
function isOneSequence(der: Uint8Array): boolean {
  const [tag, first = 0] = der;
  if (tag !== 0x30) return false;
  if (first < 0x80) return der.length === 2 + first;
  const lengthBytes = first & 0x7f;
  if (lengthBytes === 0 || lengthBytes > 4) return false;
  let length = 0;
  for (const byte of der.subarray(2, 2 + lengthBytes)) length = length * 256 + byte;
  return der.length === 2 + lengthBytes + length;
}

async function hasValidSignature(request: Pkcs10CertificateRequest): Promise<boolean> {
  try {
    return await request.verify();
  } catch {
    // A key or an algorithm that nobody here can verify proves nothing.
    return false;
  }
}
