import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { AuthorityMaterial } from "@outrigger/certificate-authority";
import { expect, test, vi } from "vitest";
import { userMaterial, verify } from "./openssl.ts";
import { chainOf, memoryLog, sign, startAuthority, testFolder } from "./running-authority.ts";

function write(folder: string, material: AuthorityMaterial): void {
  writeFileSync(join(folder, "ca.crt"), material.trustAnchors);
  writeFileSync(join(folder, "issuer.crt"), material.issuerChain);
  writeFileSync(join(folder, "issuer.key"), material.issuerKey);
}

test("writes what it has made whole, for its owner only, and finds it again", async () => {
  const first = await startAuthority();
  const names = readdirSync(first.folder).sort();
  expect(names).toEqual(["ca.crt", "issuer.crt", "issuer.key"]);
  for (const name of names) expect(statSync(join(first.folder, name)).mode & 0o777).toBe(0o600);
  await first.authority.stop();
  const second = await startAuthority({}, first.folder);
  expect(second.authority.trustAnchors).toBe(readFileSync(join(first.folder, "ca.crt"), "utf8"));
});

test("makes a whole authority when one of the files is missing", async () => {
  const folder = testFolder();
  const material = userMaterial();
  write(folder, material);
  rmSync(join(folder, "issuer.key"));
  const running = await startAuthority({}, folder);
  expect(running.authority.trustAnchors).not.toBe(material.trustAnchors);
  expect(verify(chainOf(await sign(running)), running.authority.trustAnchors)).toContain(": OK");
});

test("takes over new files while its port stays open", async () => {
  const running = await startAuthority();
  const old = running.authority.trustAnchors;
  const material = userMaterial();
  write(running.folder, material);
  await vi.waitFor(() => expect(running.authority.trustAnchors).not.toBe(old), 5_000);
  await vi.waitFor(async () => expect((await sign(running)).status).toBe("OK"), 5_000);
  expect(verify(chainOf(await sign(running)), material.trustAnchors)).toContain(": OK");
  const response = await fetch(`http://127.0.0.1:${running.ports.metrics}/`);
  expect(await response.text()).toContain("\ndapr_sentry_issuercert_changed_total 2\n");
});

test.for([
  ["garbage", { issuerChain: "no certificate\n" }, "no certificates found in issuer chain"],
  ["another key", { issuerKey: userMaterial().issuerKey }, "issuer key does not match"],
] as const)("keeps the old files in use when the new ones are bad: %s", async ([, bad, text]) => {
  const log = memoryLog();
  const running = await startAuthority({ log });
  const { trustAnchors } = running.authority;
  write(running.folder, { ...userMaterial(), ...bad });
  await vi.waitFor(() => expect(log.lines.join("\n")).toContain(text), 5_000);
  expect(log.lines.find((line) => line.includes(text))).toMatch(/^error: /);
  expect(running.authority.trustAnchors).toBe(trustAnchors);
  expect(verify(chainOf(await sign(running)), trustAnchors)).toContain(": OK");
});

test("renews its own certificate at half of its life, for new connections", async () => {
  const running = await startAuthority({ workloadCertTtlMs: 1_500, allowedClockSkewMs: 0 });
  const startedAt = Date.now();
  // Beyond the life of the first certificate clients would refuse it.
  await vi.waitFor(() => expect(Date.now() - startedAt).toBeGreaterThan(2_000), {
    timeout: 6_000,
    interval: 200,
  });
  expect((await sign(running)).status).toBe("OK");
});

test("refuses to start with bad files", async () => {
  const folder = testFolder();
  write(folder, { ...userMaterial(), issuerKey: userMaterial().issuerKey });
  await expect(startAuthority({}, folder)).rejects.toMatchObject({ code: "OTR_OPTIONS_INVALID" });
});

test("refuses to start without its folder", async () => {
  await expect(startAuthority({}, join(testFolder(), "none"))).rejects.toThrow("ENOENT");
});
