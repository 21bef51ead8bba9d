import { createPrivateKey, type KeyObject, webcrypto } from "node:crypto";
import { errorText } from "@outrigger/core";
import { pemBlocks, toPem } from "./pem.ts";

/** A private key that signs certificates, with the algorithm that fits it. */
export interface SigningKey {
  readonly key: KeyObject;
  readonly webKey: webcrypto.CryptoKey;
  readonly algorithm: SigningAlgorithm;
}

/** Parameters of WebCrypto for the three key families of Dapr's parties. */
export interface SigningAlgorithm {
  readonly name: "Ed25519" | "ECDSA" | "RSASSA-PKCS1-v1_5";
  readonly namedCurve?: string;
  readonly hash?: string;
}

/** Curves by OpenSSL's names, with the hash of equal strength, as Go picks it. */
const curves: Readonly<Record<string, { namedCurve: string; hash: string }>> = {
  prime256v1: { namedCurve: "P-256", hash: "SHA-256" },
  secp384r1: { namedCurve: "P-384", hash: "SHA-384" },
  secp521r1: { namedCurve: "P-521", hash: "SHA-512" },
};

const keyLabels: ReadonlySet<string> = new Set([
  "EC PRIVATE KEY",
  "RSA PRIVATE KEY",
  "PRIVATE KEY",
]);

/**
 * Reads a key: PKCS#8, or the older forms of RSA and EC keys.
 * @throws Error without any part of the key in its message.
 */
export async function readSigningKey(pem: string): Promise<SigningKey> {
  const key = parseKey(pem);
  const algorithm = algorithmOf(key);
  const der = key.export({ format: "der", type: "pkcs8" });
  const usages: readonly ["sign"] = ["sign"];
  const webKey = await webcrypto.subtle.importKey("pkcs8", der, algorithm, false, [...usages]);
  return { key, webKey, algorithm };
}

function parseKey(pem: string): KeyObject {
  // A file made by OpenSSL may name the curve in a block of its own before the key.
  const block = pemBlocks(pem).find(({ label }) => label !== "EC PARAMETERS");
  if (block === undefined) throw new Error("key is not PEM encoded");
  if (!keyLabels.has(block.label)) throw new Error(`unsupported block type ${block.label}`);
  try {
    return createPrivateKey({ key: block.text, format: "pem" });
  } catch (cause) {
    throw new Error(`key cannot be parsed: ${errorText(cause)}`, { cause });
  }
}

function algorithmOf(key: KeyObject): SigningAlgorithm {
  const { asymmetricKeyType: type = "", asymmetricKeyDetails: details } = key;
  if (type === "ed25519") return { name: "Ed25519" };
  if (type === "rsa") return { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
  const curve = type === "ec" ? curves[details?.namedCurve ?? ""] : undefined;
  if (curve !== undefined) return { name: "ECDSA", ...curve };
  throw new Error(`unsupported key type ${details?.namedCurve ?? type}`);
}

/** A fresh Ed25519 pair. */
export async function generateEd25519(): Promise<webcrypto.CryptoKeyPair> {
  const pair = await webcrypto.subtle.generateKey("Ed25519", true, ["sign", "verify"]);
  if ("privateKey" in pair) return pair;
  throw new Error("key generation gave no pair");
}

/** PKCS#8 in PEM. */
export async function exportPrivateKey(key: webcrypto.CryptoKey): Promise<string> {
  return toPem("PRIVATE KEY", Buffer.from(await webcrypto.subtle.exportKey("pkcs8", key)));
}
