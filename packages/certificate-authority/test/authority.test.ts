import { createPublicKey, X509Certificate } from "node:crypto";
import {
  type AuthorityMaterial,
  createAuthority,
  loadAuthority,
  publicKeyOfRequest,
} from "@outrigger/certificate-authority";
import { beforeAll, describe, expect, test } from "vitest";
import {
  describeCertificate,
  keyCommands,
  signingRequest,
  userMaterial,
  verify,
} from "./openssl.ts";

const hourMs = 3_600_000;
const spiffeId = "spiffe://localhost/ns/default/dapr-sentry";

function create(nowMs = Date.now()): Promise<AuthorityMaterial> {
  return createAuthority({
    trustDomain: "localhost",
    spiffeId,
    allowedClockSkewMs: 900_000,
    nowMs,
  });
}

async function issueFrom(material: AuthorityMaterial, changes: { ttlMs?: number } = {}) {
  const authority = await loadAuthority(material, Date.now());
  const { csr, key } = signingRequest();
  const leaf = await authority.issue({
    publicKey: await publicKeyOfRequest(Buffer.from(csr)),
    spiffeId: "spiffe://public/ns/default/orders",
    nowMs: Date.now(),
    ttlMs: 24 * hourMs,
    allowedClockSkewMs: 900_000,
    ...changes,
  });
  return { authority, leaf, key };
}

describe("a self-made authority", () => {
  let material: AuthorityMaterial;
  beforeAll(async () => {
    material = await create();
  });

  test("has a root as Dapr makes it", () => {
    const text = describeCertificate(material.trustAnchors);
    expect(text).toContain("Issuer: O=localhost\n");
    expect(text).toContain("Subject: O=localhost\n");
    expect(text).toContain("Public Key Algorithm: ED25519");
    expect(text).toMatch(/Key Usage: critical\n\s+Digital Signature, Certificate Sign\n/);
    expect(text).toMatch(/Basic Constraints: critical\n\s+CA:TRUE\n/);
    expect(text).not.toContain("Extended Key Usage");
    expect(text).not.toContain("Alternative Name");
    expect(verify(material.trustAnchors, material.trustAnchors)).toContain(": OK");
  });

  test("has an issuer like that of Dapr", () => {
    const text = describeCertificate(material.issuerChain);
    expect(text).toContain(`Subject: O=${spiffeId}\n`);
    expect(text).toContain("Issuer: O=localhost\n");
    expect(text).toMatch(/Key Usage: critical\n\s+Digital Signature, Certificate Sign, CRL Sign\n/);
    expect(text).toContain("X509v3 Subject Key Identifier");
    expect(text).not.toContain("Authority Key Identifier");
    expect(verify(material.issuerChain, material.trustAnchors)).toContain(": OK");
  });

  test("is valid for a year and reaches back by the skew, in whole seconds", () => {
    for (const pem of [material.trustAnchors, material.issuerChain]) {
      const { validFrom, validTo } = new X509Certificate(pem);
      const life = Date.parse(validTo) - Date.parse(validFrom);
      expect(life).toBe(365 * 24 * hourMs + 900_000);
    }
  });

  test("issues leaves as Dapr does", async () => {
    const { leaf, key, authority } = await issueFrom(material);
    const text = describeCertificate(leaf.certificateChain);
    expect(text).toMatch(/Subject: ?\n/);
    expect(text).toMatch(/Key Usage: critical\n\s+Digital Signature\n/);
    expect(text).toMatch(/Extended Key Usage: \n\s+TLS Web Server Authentication, TLS Web Client/);
    expect(text).toMatch(
      /Alternative Name: critical\n\s+URI:spiffe:\/\/public\/ns\/default\/orders\n/,
    );
    expect(text).not.toContain("Basic Constraints");
    expect(text).not.toContain("evil");
    expect(verify(leaf.certificateChain, authority.trustAnchors)).toContain(": OK");
    const x509 = new X509Certificate(leaf.certificateChain);
    expect(x509.publicKey.equals(createPublicKey(key))).toBe(true);
    expect(leaf.notAfterMs - leaf.notBeforeMs).toBe(24 * hourMs + 900_000);
    expect(Date.parse(x509.validTo)).toBe(leaf.notAfterMs);
    expect(leaf.certificateChain.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
  });

  test("gives no leaf a longer life than its issuer has", async () => {
    const { leaf } = await issueFrom(material, { ttlMs: 1_000 * 24 * hourMs });
    expect(leaf.notAfterMs).toBe(Date.parse(new X509Certificate(material.issuerChain).validTo));
  });

  test("makes serials of up to 128 bits that do not repeat", async () => {
    const { authority } = await issueFrom(material);
    const publicKey = await publicKeyOfRequest(Buffer.from(signingRequest().csr));
    const serials = new Set<string>();
    for (let index = 0; index < 20; index++) {
      const request = {
        publicKey,
        spiffeId,
        nowMs: Date.now(),
        ttlMs: 1_000,
        allowedClockSkewMs: 0,
      };
      const { certificateChain } = await authority.issue(request);
      serials.add(new X509Certificate(certificateChain).serialNumber);
    }
    expect(serials.size).toBe(20);
    expect(Math.max(...[...serials].map(({ length }) => length))).toBeLessThanOrEqual(32);
    expect(Math.max(...[...serials].map(({ length }) => length))).toBeGreaterThan(28);
  });
});

test.for(Object.keys(keyCommands) as (keyof typeof keyCommands)[])(
  "issues with a user's key of the form %s",
  async (key) => {
    const material = userMaterial({ key });
    const { leaf, authority } = await issueFrom(material);
    expect(verify(leaf.certificateChain, authority.trustAnchors)).toContain(": OK");
    const issuer = new X509Certificate(material.issuerChain);
    const leafX509 = new X509Certificate(leaf.certificateChain);
    expect(leafX509.checkIssued(issuer)).toBe(true);
    expect(leafX509.issuer).toBe(issuer.subject);
  },
);

test.for(Object.keys(keyCommands) as (keyof typeof keyCommands)[])(
  "takes requests with a key of the form %s",
  async (key) => {
    const request = signingRequest(key);
    const der = Buffer.from(await publicKeyOfRequest(Buffer.from(request.csr)));
    const published = createPublicKey({ key: der, format: "der", type: "spki" });
    expect(published.equals(createPublicKey(request.key))).toBe(true);
  },
);

describe("material that does not hold is refused", () => {
  const mine = userMaterial();
  const other = userMaterial({ rootName: "other root" });
  const notCa = userMaterial({ issuerExtensions: "basicConstraints=critical,CA:false\n" });
  const noUsage = userMaterial({
    issuerExtensions: "basicConstraints=critical,CA:true\nkeyUsage=critical,cRLSign\n",
  });
  const expired = userMaterial({ days: 1 });
  const cases: readonly [string, AuthorityMaterial, string, number?][] = [
    ["no roots", { ...mine, trustAnchors: "nothing" }, "no certificates found in trust anchors"],
    [
      "a root that somebody else signed",
      { ...mine, trustAnchors: `${mine.trustAnchors}${mine.issuerChain}` },
      "certificate in trust anchor is not self-signed: ",
    ],
    ["no issuer", { ...mine, issuerChain: "nothing" }, "no certificates found in issuer chain"],
    [
      "a chain in the wrong order",
      { ...mine, issuerChain: `${mine.issuerChain}${other.issuerChain}` },
      "certificate chain is not valid",
    ],
    ["an issuer that is no CA", notCa, "issuer certificate is not allowed to sign"],
    ["an issuer without the usage", noUsage, "issuer certificate is not allowed to sign"],
    ["a key that is none", { ...mine, issuerKey: "nothing" }, "key is not PEM encoded"],
    [
      "a block that is no key",
      { ...mine, issuerKey: mine.issuerChain },
      "unsupported block type CERTIFICATE",
    ],
    [
      "the key of another issuer",
      { ...mine, issuerKey: other.issuerKey },
      "issuer key does not match issuer certificate",
    ],
    [
      "roots of somebody else",
      { ...mine, trustAnchors: other.trustAnchors },
      "issuer chain does not belong to trust anchors: ",
    ],
    [
      "an issuer that has expired",
      expired,
      "issuer chain does not belong to trust anchors: x509: certificate has expired",
      Date.now() + 25 * hourMs,
    ],
  ];

  test.for(cases)("%s", async ([, material, message, nowMs = Date.now()]) => {
    await expect(loadAuthority(material, nowMs)).rejects.toMatchObject({
      code: "OTR_OPTIONS_INVALID",
      message: expect.stringContaining(message),
    });
  });

  test("several roots, text between blocks, and a chain with its root are fine", async () => {
    const material = {
      ...mine,
      trustAnchors: `comment\n${other.trustAnchors}more\n${mine.trustAnchors}`,
      issuerChain: `${mine.issuerChain}${mine.trustAnchors}`,
    };
    const { leaf, authority } = await issueFrom(material);
    expect(authority.trustAnchors.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    expect(leaf.certificateChain.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    expect(verify(leaf.certificateChain, authority.trustAnchors)).toContain(": OK");
  });
});

test("a request whose outermost length is not that of its bytes is refused", async () => {
  const { csr } = signingRequest("EC PRIVATE KEY");
  const der = Buffer.from(csr.replace(/-----[^-]+-----/g, ""), "base64");
  const body = (bytes: Uint8Array): Buffer =>
    Buffer.from(
      `-----BEGIN CERTIFICATE REQUEST-----\n${Buffer.from(bytes).toString("base64")}\n-----END CERTIFICATE REQUEST-----\n`,
    );
  const refusal = "failed to parse certificate signing request: not one whole ASN.1 sequence";
  // Of some 250 keys one has a signature for which a bit that is turned over makes the length shorter.
  expect(der.readUInt8(1)).toBe(0x81);
  const shorter = Buffer.from(der);
  shorter.writeUInt8(der.readUInt8(2) - 4, 2);

  await expect(publicKeyOfRequest(body(shorter))).rejects.toThrow(refusal);
  await expect(publicKeyOfRequest(body(Buffer.concat([der, Buffer.alloc(1)])))).rejects.toThrow(
    refusal,
  );
});

test("requests that were tampered with are refused, whatever was changed", async () => {
  const { csr } = signingRequest("EC PRIVATE KEY");
  const der = Buffer.from(csr.replace(/-----[^-]+-----/g, ""), "base64");
  const body = (bytes: Uint8Array): Buffer =>
    Buffer.from(
      `-----BEGIN CERTIFICATE REQUEST-----\n${Buffer.from(bytes).toString("base64")}\n-----END CERTIFICATE REQUEST-----\n`,
    );
  await expect(publicKeyOfRequest(body(der))).resolves.toBeInstanceOf(Uint8Array);
  for (let index = 0; index < der.length; index++) {
    const changed = Buffer.from(der);
    changed.writeUInt8(changed.readUInt8(index) ^ (1 << (index % 8)), index);
    await expect(publicKeyOfRequest(body(changed)), `byte ${index}`).rejects.toThrow(
      /^(?:invalid signature|failed to parse certificate signing request: .*)$/s,
    );
    await expect(publicKeyOfRequest(body(der.subarray(0, index)))).rejects.toThrow(
      /^failed to parse certificate signing request: /,
    );
  }
});
