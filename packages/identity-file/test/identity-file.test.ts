import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { testContext } from "@outrigger/conformance";
import type { Logger, Svid, WorkloadIdentity } from "@outrigger/core";
import { identityFile } from "@outrigger/identity-file";
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { TestAuthority } from "../../spiffe/test/certificates.ts";

let roots: TestAuthority;
let folder: string;
const cleanups: (() => unknown)[] = [];
const lines: string[] = [];
const log: Logger = {
  enabled: () => true,
  log: (level, text) => void lines.push(`${level} ${text}`),
  scope: () => log,
};

beforeAll(async () => {
  roots = await TestAuthority.create();
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "outrigger-identity-"));
  lines.length = 0;
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  rmSync(folder, { recursive: true, force: true });
});

function write(svid: Svid, into = folder): void {
  writeFileSync(join(into, "cert.pem"), svid.certificateChain);
  writeFileSync(join(into, "key.pem"), svid.privateKey);
  writeFileSync(join(into, "ca.pem"), svid.trustAnchors);
}

function identity(from = folder): WorkloadIdentity {
  const component = identityFile({
    certificateFile: join(from, "cert.pem"),
    keyFile: join(from, "key.pem"),
    trustAnchors: { file: join(from, "ca.pem") },
    watchIntervalMs: 10,
  })(testContext({ appId: "orders", namespace: "shop", log }));
  cleanups.push(() => component.stop?.());
  return component;
}

const soon = (): AbortSignal => AbortSignal.timeout(5_000);

test("what lies in the files is shown", async () => {
  const svid = await roots.issue("orders", "shop");
  write(svid);
  const component = identity();
  expect(() => component.current()).toThrow("has no certificate yet");
  await component.start?.(soon());
  const { certificateChain, privateKey, trustAnchors, spiffeId } = component.current();
  expect({ certificateChain, privateKey, trustAnchors, spiffeId }).toEqual({
    certificateChain: svid.certificateChain,
    privateKey: svid.privateKey,
    trustAnchors: svid.trustAnchors,
    spiffeId: "spiffe://public/ns/shop/orders",
  });
});

test("replaced files are taken over, also through a swapped link", async () => {
  const versions = [join(folder, "v1"), join(folder, "v2")] as const;
  for (const version of versions) {
    mkdirSync(version);
    write(await roots.issue("orders", "shop"), version);
  }
  const link = join(folder, "data");
  symlinkSync(versions[0], link);
  const component = identity(link);
  await component.start?.(soon());
  const before = component.current().certificateChain;
  const rotated = new Promise<Svid>((resolve) => component.onRotate(resolve));
  symlinkSync(versions[1], join(folder, "next"));
  renameSync(join(folder, "next"), link);
  expect((await rotated).certificateChain).not.toBe(before);
});

test("files that do not fit together leave the old certificate in use", async () => {
  write(await roots.issue("orders", "shop"));
  const component = identity();
  await component.start?.(soon());
  const before = component.current();
  const next = await roots.issue("orders", "shop");
  writeFileSync(join(folder, "cert.pem"), next.certificateChain);
  await vi.waitFor(() => expect(lines.join("\n")).toContain("does not belong to the certificate"));
  expect(component.current()).toEqual(before);
  writeFileSync(join(folder, "key.pem"), next.privateKey);
  await vi.waitFor(() => expect(component.current().privateKey).toBe(next.privateKey));
});

describe("start fails when", () => {
  test.each<[string, () => Promise<Svid>, string]>([
    ["it is another app's", () => roots.issue("other", "shop"), "not for /ns/shop/orders"],
    ["it is of another namespace", () => roots.issue("orders"), "not for /ns/shop/orders"],
    ["it names nobody", () => roots.issue("orders", "shop", { uris: [] }), "no URI SAN"],
    [
      "it has expired",
      () => roots.issue("orders", "shop", { notAfterMs: Date.now() - 1_000 }),
      "expired or is not yet valid",
    ],
    [
      "its authority is foreign",
      async () => {
        const foreign = await TestAuthority.create();
        return { ...(await foreign.issue("orders", "shop")), trustAnchors: roots.pem };
      },
      "unknown authority",
    ],
    [
      "there is no key",
      async () => ({ ...(await roots.issue("orders", "shop")), privateKey: "nothing" }),
      "holds no private key in PEM",
    ],
    [
      "there is no certificate",
      async () => ({ ...(await roots.issue("orders", "shop")), certificateChain: "nothing" }),
      "no certificate found",
    ],
    [
      "there are no anchors",
      async () => ({ ...(await roots.issue("orders", "shop")), trustAnchors: "nothing" }),
      "failed to decode trust anchors",
    ],
  ])("%s", async (_name, issue, text) => {
    write(await issue());
    await expect(identity().start?.(soon())).rejects.toThrow(text);
  });

  test("a file is missing, and its name is told", async () => {
    write(await roots.issue("orders", "shop"));
    rmSync(join(folder, "key.pem"));
    await expect(identity().start?.(soon())).rejects.toThrow("key.pem");
  });
});

test("options are checked", () => {
  const pem = { pem: "x" };
  expect(() => identityFile({ certificateFile: "", keyFile: "k", trustAnchors: pem })).toThrow(
    "certificateFile",
  );
});
