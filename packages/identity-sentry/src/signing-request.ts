import { createPublicKey, generateKeyPair, type KeyObject, sign } from "node:crypto";
import { promisify } from "node:util";

const generate = promisify(generateKeyPair);

/** A fresh key and the request to certify it. */
export interface SigningRequest {
  /** PKCS#8 in PEM. Never leaves the process. */
  readonly privateKey: string;
  readonly publicKey: KeyObject;
  /** PKCS#10 in PEM. */
  readonly csr: string;
}

/** Families of keys: what Dapr's sidecars use now, and what they used before 1.17. */
export type KeyFamily = "ed25519" | "ecdsa";

/** Object identifiers in DER: 1.3.101.112 (RFC 8410 section 3) and ecdsa-with-SHA256 (RFC 5758). */
const algorithms: Readonly<Record<KeyFamily, Buffer>> = {
  ed25519: Buffer.from("06032b6570", "hex"),
  ecdsa: Buffer.from("06082a8648ce3d040302", "hex"),
};

/**
 * Makes a key and a request with an empty subject and no attributes (RFC 2986), as Dapr's sidecars
 * send it: the authority takes the key from it and nothing else.
 */
export async function createSigningRequest(family: KeyFamily): Promise<SigningRequest> {
  const privateKey = await generateKey(family);
  const publicKey = createPublicKey(privateKey);
  const info = sequence(
    Buffer.from([0x02, 0x01, 0x00]),
    sequence(),
    publicKey.export({ type: "spki", format: "der" }),
    Buffer.from([0xa0, 0x00]),
  );
  const signature = sign(family === "ed25519" ? null : "sha256", info, privateKey);
  // A bit string starts with the number of its unused bits.
  const bits = element(0x03, Buffer.from([0x00]), signature);
  const request = sequence(info, sequence(algorithms[family]), bits);
  return {
    privateKey: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    publicKey,
    csr: toPem("CERTIFICATE REQUEST", request),
  };
}

async function generateKey(family: KeyFamily): Promise<KeyObject> {
  if (family === "ed25519") return (await generate("ed25519")).privateKey;
  return (await generate("ec", { namedCurve: "P-256" })).privateKey;
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return element(0x30, ...parts);
}

/** One element of DER; everything here is shorter than 256 bytes. */
function element(tag: number, ...parts: readonly Buffer[]): Buffer {
  const value = Buffer.concat(parts);
  const head = value.length < 0x80 ? [tag, value.length] : [tag, 0x81, value.length];
  return Buffer.concat([Buffer.from(head), value]);
}

function toPem(label: string, der: Buffer): string {
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
