import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { isOutriggerError, type Svid, type WorkloadIdentity } from "@outrigger/core";
import type { ConformanceCase } from "../case.ts";
import type { IdentitySubject, Misissue } from "./identity-subject.ts";

type Case = ConformanceCase<IdentitySubject>;

const pemBlock = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

function certificatesOf(pem: string): readonly X509Certificate[] {
  return (pem.match(pemBlock) ?? []).map((block) => new X509Certificate(block));
}

function leafOf({ certificateChain }: Svid): X509Certificate {
  const [leaf] = certificatesOf(certificateChain);
  assert.ok(leaf, "the chain holds a certificate");
  return leaf;
}

const content: readonly Case[] = [
  {
    id: "identity/svid/names-the-app",
    title: "the leaf has one URI, the SPIFFE id of this app, and the SVID says the same",
    async run({ identity, expected: { appId, namespace } }) {
      const svid = identity.current();
      const names = leafOf(svid).subjectAltName ?? "";
      assert.equal(names, `URI:${svid.spiffeId}`);
      assert.match(svid.spiffeId, /^spiffe:\/\/[a-z0-9._-]+\/ns\//);
      assert.ok(svid.spiffeId.endsWith(`/ns/${namespace}/${appId}`), svid.spiffeId);
    },
  },
  {
    id: "identity/svid/key-fits",
    title: "the key belongs to the leaf",
    async run({ identity }) {
      const svid = identity.current();
      assert.ok(leafOf(svid).checkPrivateKey(createPrivateKey(svid.privateKey)));
    },
  },
  {
    id: "identity/svid/no-authority",
    title: "the leaf may not issue certificates",
    async run({ identity }) {
      assert.equal(leafOf(identity.current()).ca, false);
    },
  },
  {
    id: "identity/svid/descends-from-anchors",
    title: "the chain leads to one of the anchors and holds no anchor itself",
    async run({ identity }) {
      const svid = identity.current();
      const anchors = certificatesOf(svid.trustAnchors);
      const chain = certificatesOf(svid.certificateChain);
      chain.forEach((certificate, index) => {
        const issuer = chain[index + 1];
        const candidates = issuer === undefined ? anchors : [issuer];
        assert.ok(candidates.some((each) => certificate.verify(each.publicKey)));
        assert.ok(!anchors.some((anchor) => anchor.raw.equals(certificate.raw)));
      });
    },
  },
  {
    id: "identity/svid/times",
    title: "the times are those of the leaf, and it is valid now",
    async run({ identity }) {
      const svid = identity.current();
      const leaf = leafOf(svid);
      // Certificates have whole seconds.
      assert.ok(Math.abs(svid.notBeforeMs - Date.parse(leaf.validFrom)) < 1_000);
      assert.ok(Math.abs(svid.expiresAtMs - Date.parse(leaf.validTo)) < 1_000);
      assert.ok(svid.notBeforeMs <= Date.now() && Date.now() <= svid.expiresAtMs);
    },
  },
];

const lifecycle: readonly Case[] = [
  {
    id: "identity/lifecycle/not-started",
    title: "without start there is no certificate, and the error says so",
    async run({ create }) {
      const identity = create();
      assert.throws(
        () => identity.current(),
        (reason) => isOutriggerError(reason, "OTR_NOT_STARTED"),
      );
      await identity.stop?.();
    },
  },
  {
    id: "identity/lifecycle/aborted-start",
    title: "a start that is given up ends, and stop succeeds after it",
    async run({ create }) {
      const identity = create();
      await assert.rejects(async () => identity.start?.(AbortSignal.abort(new Error("given up"))));
      await identity.stop?.();
    },
  },
  {
    id: "identity/lifecycle/stop-twice",
    title: "stop succeeds twice, and the last certificate can still be read",
    async run({ identity }) {
      const before = identity.current();
      await identity.stop?.();
      await identity.stop?.();
      assert.deepEqual(identity.current(), before);
    },
  },
];

const rotation: readonly Case[] = [
  {
    id: "identity/rotation/new-certificate",
    title: "a new certificate replaces the old one, whole, and listeners are told",
    appliesTo: ({ rotate }) => rotate !== undefined,
    async run({ identity, rotate }, signal) {
      const before = identity.current();
      const rotated = nextRotation(identity, signal);
      await rotate?.();
      const after = await rotated;
      assert.notEqual(leafOf(after).serialNumber, leafOf(before).serialNumber);
      assert.ok(leafOf(after).checkPrivateKey(createPrivateKey(after.privateKey)));
      assert.deepEqual(identity.current(), after);
    },
  },
  {
    id: "identity/rotation/listener-throws",
    title: "a listener that throws keeps nobody else from being told",
    appliesTo: ({ rotate }) => rotate !== undefined,
    async run({ identity, rotate }, signal) {
      identity.onRotate(() => {
        throw new Error("a listener that throws");
      });
      const rotated = nextRotation(identity, signal);
      await rotate?.();
      await rotated;
    },
  },
  {
    id: "identity/rotation/unsubscribe",
    title: "a listener that was taken off is not told",
    appliesTo: ({ rotate }) => rotate !== undefined,
    async run({ identity, rotate }, signal) {
      let told = 0;
      const unsubscribe = identity.onRotate(() => {
        told += 1;
      });
      unsubscribe();
      const rotated = nextRotation(identity, signal);
      await rotate?.();
      await rotated;
      assert.equal(told, 0);
    },
  },
  {
    id: "identity/rotation/anchors",
    title: "another root is taken over while it runs",
    appliesTo: ({ addAnchor }) => addAnchor !== undefined,
    async run({ identity, addAnchor }, signal) {
      const before = identity.current().trustAnchors;
      const isTaken = (svid: Svid): boolean => svid.trustAnchors !== before;
      const rotated = nextRotation(identity, signal, isTaken);
      const bundle = await addAnchor?.();
      assert.equal((await rotated).trustAnchors, bundle);
    },
  },
  {
    id: "identity/rotation/source-away",
    title: "without its source the certificate stays in use",
    appliesTo: ({ interrupt }) => interrupt !== undefined,
    async run({ identity, interrupt }) {
      const before = identity.current();
      await interrupt?.();
      assert.deepEqual(identity.current(), before);
    },
  },
];

const kinds: readonly (readonly [Misissue, string])[] = [
  ["other-app", "another app"],
  ["other-namespace", "another namespace"],
  ["other-key", "another key"],
  ["foreign-root", "a root that is not trusted"],
  ["expired", "a time that has passed"],
];

const refusals: readonly Case[] = kinds.map(([kind, title]) => ({
  id: `identity/refusal/${kind}`,
  title: `a certificate of ${title} is not taken`,
  appliesTo: ({ createMisissued }: IdentitySubject) => createMisissued !== undefined,
  async run({ createMisissued }: IdentitySubject, signal: AbortSignal) {
    const identity = createMisissued?.(kind);
    try {
      await assert.rejects(
        async () => identity?.start?.(signal),
        (reason) => isOutriggerError(reason, "OTR_IDENTITY_REFUSED"),
      );
    } finally {
      await identity?.stop?.();
    }
  },
}));

const secrets: readonly Case[] = [
  {
    id: "identity/secrets/not-logged",
    title: "no part of the key is logged",
    appliesTo: ({ logged }) => logged !== undefined,
    async run({ identity, logged }) {
      const [, line = ""] = identity.current().privateKey.split("\n");
      assert.ok(line.length > 0);
      assert.ok(!logged?.().includes(line));
    },
  },
];

/** Certificates may renew by themselves in between; `isMeant` tells the rotation that a case is about. */
function nextRotation(
  identity: WorkloadIdentity,
  signal: AbortSignal,
  isMeant: (svid: Svid) => boolean = () => true,
): Promise<Svid> {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    identity.onRotate((svid) => {
      if (isMeant(svid)) resolve(svid);
    });
  });
}

/** What every source of workload certificates must do. */
export const identityCases: readonly Case[] = [
  ...content,
  ...lifecycle,
  ...rotation,
  ...refusals,
  ...secrets,
];
