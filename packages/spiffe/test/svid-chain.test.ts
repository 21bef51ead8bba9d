import { identityOfLeaf, parseCertificates, verifyChain } from "@outrigger/spiffe";
import { beforeAll, expect, test } from "vitest";
import { algorithms, TestAuthority, unknownCriticalExtension } from "./certificates.ts";

let root: TestAuthority;
beforeAll(async () => {
  root = await TestAuthority.create();
});

/** Why a chain does not hold. */
function refusal(leaf: string, intermediates: string, anchors: string): string | undefined {
  const [first] = parseCertificates(leaf);
  if (first === undefined) throw new Error("no leaf");
  return verifyChain({
    leaf: first,
    intermediates: parseCertificates(intermediates),
    anchors: parseCertificates(anchors),
    nowMs: Date.now(),
  })?.message;
}

const unknown = "x509: certificate signed by unknown authority";
const expired = "x509: certificate has expired or is not yet valid";

test.each(Object.entries(algorithms))("a leaf of a root holds: %s", async (_name, algorithm) => {
  const authority = await TestAuthority.create(algorithm);
  const { certificateChain } = await authority.issue("app");
  expect(refusal(certificateChain, "", authority.pem)).toBeUndefined();
});

test("roots of one name are all tried, in any order", async () => {
  const twin = await TestAuthority.create();
  const { certificateChain } = await root.issue("app");
  expect(refusal(certificateChain, "", root.pem + twin.pem)).toBeUndefined();
  expect(refusal(certificateChain, "", twin.pem + root.pem)).toBeUndefined();
  expect(refusal(certificateChain, "", twin.pem)).toBe(unknown);
});

test("roots of one name and other kinds of keys are no obstacle", async () => {
  const twin = await TestAuthority.create(algorithms.rsa);
  const { certificateChain } = await root.issue("app");
  expect(refusal(certificateChain, "", twin.pem + root.pem)).toBeUndefined();
});

test("intermediates are needed and found", async () => {
  const middle = await root.intermediate();
  const { certificateChain } = await middle.issue("app");
  expect(refusal(certificateChain, middle.pem, root.pem)).toBeUndefined();
  expect(refusal(certificateChain, "", root.pem)).toBe(unknown);
  expect(refusal(certificateChain, middle.pem, "")).toBe(unknown);
});

test("an intermediate that may have none below it has none", async () => {
  const first = await root.intermediate({ pathLength: 0 });
  const second = await first.intermediate();
  const below = await second.issue("app");
  expect(refusal(below.certificateChain, second.pem + first.pem, root.pem)).toBe(unknown);
  const direct = await first.issue("app");
  expect(refusal(direct.certificateChain, first.pem, root.pem)).toBeUndefined();
});

test("an issuer with constraints that are not understood issues nothing", async () => {
  const middle = await root.intermediate({ extensions: [unknownCriticalExtension()] });
  const { certificateChain } = await middle.issue("app");
  expect(refusal(certificateChain, middle.pem, root.pem)).toBe(unknown);
});

test("a leaf is no issuer", async () => {
  const leaf = await root.issue("app");
  const [certificate] = parseCertificates(leaf.certificateChain);
  expect(refusal(leaf.certificateChain, leaf.certificateChain, root.pem)).toBeUndefined();
  expect(certificate && identityOfLeaf(certificate.raw).appId).toBe("app");
  expect(refusal(root.pem, leaf.certificateChain, leaf.certificateChain)).toBe(unknown);
});

test("time decides on both ends", async () => {
  const late = await root.issue("app", "default", { notAfterMs: Date.now() - 5_000 });
  expect(refusal(late.certificateChain, "", root.pem)).toBe(expired);
  const early = await root.issue("app", "default", { notBeforeMs: Date.now() + 60_000 });
  expect(refusal(early.certificateChain, "", root.pem)).toBe(expired);
});

test("a root in the chain that is not an anchor proves nothing", async () => {
  const foreign = await TestAuthority.create();
  const { certificateChain } = await foreign.issue("app");
  expect(refusal(certificateChain, foreign.pem, root.pem)).toBe(unknown);
});

test("a long row of certificates ends", async () => {
  let issuer = root;
  let sent = "";
  for (let count = 0; count < 12; count++) {
    issuer = await issuer.intermediate();
    sent += issuer.pem;
  }
  const { certificateChain } = await issuer.issue("app");
  const startedAt = performance.now();
  expect(refusal(certificateChain, sent, root.pem)).toBe(unknown);
  expect(performance.now() - startedAt).toBeLessThan(2_000);
});

test.each([
  ["one that holds two URIs", ["spiffe://a/ns/b/c", "spiffe://a/ns/b/d"], "more than one URI"],
  ["one with a comma", ["spiffe://a/ns/b/c, URI:spiffe://a/ns/b/d"], "is no SPIFFE ID"],
  ["none", [], "no URI SAN"],
])("the identity of a leaf with %s is refused", async (_name, uris, text) => {
  const { certificateChain } = await root.issue("c", "b", { uris });
  const [leaf] = parseCertificates(certificateChain);
  expect(() => leaf && identityOfLeaf(leaf.raw)).toThrow(text);
});

test("bytes that are no certificate are refused", () => {
  for (const bytes of [[], [0x30], [0x30, 0x80], [0x30, 0x84, 0xff, 0xff, 0xff, 0xff], [0x1f]]) {
    expect(() => identityOfLeaf(Uint8Array.from(bytes))).toThrow();
  }
});
