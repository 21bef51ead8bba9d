import "reflect-metadata";
import { webcrypto } from "node:crypto";
import type { Svid, WorkloadIdentity } from "@outrigger/core";
import {
  BasicConstraintsExtension,
  cryptoProvider,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Pkcs10CertificateRequest,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";

type KeyPair = webcrypto.CryptoKeyPair;

cryptoProvider.set(webcrypto);

const hourMs = 3_600_000;

/** Key families that Dapr's parties use. */
export const algorithms = {
  ed25519: { name: "Ed25519" },
  ecdsa: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
  rsa: {
    name: "RSASSA-PKCS1-v1_5",
    hash: "SHA-256",
    publicExponent: new Uint8Array([1, 0, 1]),
    modulusLength: 2_048,
  },
} as const;

type Algorithm = (typeof algorithms)[keyof typeof algorithms];

/** What a leaf says; by default what a right one does. */
export interface LeafOptions {
  readonly uris?: readonly string[];
  readonly notBeforeMs?: number;
  readonly notAfterMs?: number;
  readonly isCa?: boolean;
  readonly usage?: number;
  /** PKCS#10 in PEM whose key is certified; by default a new key is made. */
  readonly csr?: string;
}

/** An authority of one level, made for a test. */
export class TestAuthority {
  readonly pem: string;
  readonly #certificate: X509Certificate;
  readonly #keys: KeyPair;
  readonly #algorithm: Algorithm;

  private constructor(certificate: X509Certificate, keys: KeyPair, algorithm: Algorithm) {
    this.pem = certificate.toString("pem");
    this.#certificate = certificate;
    this.#keys = keys;
    this.#algorithm = algorithm;
  }

  static async create(algorithm: Algorithm = algorithms.ed25519): Promise<TestAuthority> {
    const keys = await generateKeys(algorithm);
    const certificate = await X509CertificateGenerator.createSelfSigned({
      name: "O=outrigger test",
      keys,
      signingAlgorithm: algorithm,
      notBefore: new Date(Date.now() - 48 * hourMs),
      notAfter: new Date(Date.now() + hourMs),
      extensions: [
        new BasicConstraintsExtension(true, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.digitalSignature, true),
      ],
    });
    return new TestAuthority(certificate, keys, algorithm);
  }

  /** An authority below this one. Its `pem` is its own certificate, without this one's. */
  async intermediate(
    options: { readonly pathLength?: number; readonly extensions?: readonly Extension[] } = {},
  ): Promise<TestAuthority> {
    const keys = await generateKeys(algorithms.ed25519);
    const certificate = await X509CertificateGenerator.create({
      subject: "O=intermediate",
      issuer: this.#certificate.subject,
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      signingAlgorithm: this.#algorithm,
      notBefore: new Date(Date.now() - hourMs),
      notAfter: new Date(Date.now() + hourMs),
      extensions: [
        new BasicConstraintsExtension(true, options.pathLength, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
        ...(options.extensions ?? []),
      ],
    });
    return new TestAuthority(certificate, keys, algorithms.ed25519);
  }

  /** A leaf for `spiffe://public/ns/<namespace>/<appId>`. */
  async issue(appId: string, namespace = "default", options: LeafOptions = {}): Promise<Svid> {
    const spiffeId = `spiffe://public/ns/${namespace}/${appId}`;
    const { uris = [spiffeId], isCa = false, usage = KeyUsageFlags.digitalSignature } = options;
    const { notBeforeMs = Date.now() - 60_000, notAfterMs = Date.now() + hourMs } = options;
    const keys = await generateKeys(algorithms.ed25519);
    const publicKey =
      options.csr === undefined
        ? keys.publicKey
        : await new Pkcs10CertificateRequest(options.csr).publicKey.export();
    const extensions: Extension[] = [
      new KeyUsagesExtension(usage, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
    ];
    if (isCa) extensions.push(new BasicConstraintsExtension(true, undefined, true));
    if (uris.length > 0) {
      const names = uris.map((value) => ({ type: "url" as const, value }));
      extensions.push(new SubjectAlternativeNameExtension(names, true));
    }
    const certificate = await X509CertificateGenerator.create({
      subject: "",
      issuer: this.#certificate.subject,
      publicKey,
      signingKey: this.#keys.privateKey,
      signingAlgorithm: this.#algorithm,
      notBefore: new Date(notBeforeMs),
      notAfter: new Date(notAfterMs),
      extensions,
    });
    return {
      spiffeId,
      certificateChain: certificate.toString("pem"),
      privateKey: await exportKey(keys.privateKey),
      trustAnchors: this.pem,
      notBeforeMs,
      expiresAtMs: notAfterMs,
    };
  }
}

/** An identity that changes when the test says so. */
export class TestIdentity implements WorkloadIdentity {
  readonly name = "identity-test";
  #svid: Svid;
  readonly #listeners = new Set<(svid: Svid) => void>();

  constructor(svid: Svid) {
    this.#svid = svid;
  }

  current(): Svid {
    return this.#svid;
  }

  onRotate(listener: (svid: Svid) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  rotate(svid: Svid): void {
    this.#svid = svid;
    for (const listener of this.#listeners) listener(svid);
  }
}

function generateKeys(algorithm: Algorithm): Promise<KeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]) as Promise<KeyPair>;
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", key));
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN PRIVATE KEY-----\n${lines.join("\n")}\n-----END PRIVATE KEY-----\n`;
}

/** Key usages for {@link LeafOptions}. */
export const leafUsage = {
  keyCertSign: KeyUsageFlags.keyCertSign,
  cRLSign: KeyUsageFlags.cRLSign,
} as const;

/** A critical extension that nobody knows, as name constraints would be. */
export function unknownCriticalExtension(): Extension {
  return new Extension("1.2.3.4", true, new Uint8Array([0x05, 0x00]));
}
