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
  let request: Pkcs10CertificateRequest;
  try {
    request = new Pkcs10CertificateRequest(block.der);
  } catch (cause) {
    throw new Error(`failed to parse certificate signing request: ${errorText(cause)}`, { cause });
  }
  if (!(await hasValidSignature(request))) throw new Error("invalid signature");
  return new Uint8Array(request.publicKey.rawData);
}

async function hasValidSignature(request: Pkcs10CertificateRequest): Promise<boolean> {
  try {
    return await request.verify();
  } catch {
    // A key or an algorithm that nobody here can verify proves nothing.
    return false;
  }
}
