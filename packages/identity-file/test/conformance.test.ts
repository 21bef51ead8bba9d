import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Misissue, testContext } from "@outrigger/conformance";
import { identityConformance } from "@outrigger/conformance/vitest";
import type { Logger, Svid } from "@outrigger/core";
import { identityFile } from "@outrigger/identity-file";
import { TestAuthority } from "../../spiffe/test/certificates.ts";

identityConformance({
  name: "@outrigger/identity-file",
  setup: async () => {
    const folder = mkdtempSync(join(tmpdir(), "outrigger-identity-"));
    const roots = await TestAuthority.create();
    let logged = "";
    const log: Logger = {
      enabled: () => true,
      log: (_level, text) => {
        logged += `${text}\n`;
      },
      scope: () => log,
    };
    const write = (svid: Svid, name = ""): void => {
      writeFileSync(join(folder, `${name}key.pem`), svid.privateKey);
      writeFileSync(join(folder, `${name}ca.pem`), svid.trustAnchors);
      writeFileSync(join(folder, `${name}cert.pem`), svid.certificateChain);
    };
    const create = (name = "") =>
      identityFile({
        certificateFile: join(folder, `${name}cert.pem`),
        keyFile: join(folder, `${name}key.pem`),
        trustAnchors: { file: join(folder, `${name}ca.pem`) },
        watchIntervalMs: 10,
      })(testContext({ appId: "orders", namespace: "shop", log }));
    const expected = { appId: "orders", namespace: "shop" };
    write(await roots.issue("orders", "shop"));
    const wrong = await misissued(roots);
    for (const [kind, svid] of Object.entries(wrong)) write(svid, kind);
    const identity = create();
    await identity.start?.(AbortSignal.timeout(5_000));
    return {
      subject: {
        identity,
        create: () => create(),
        expected,
        rotate: async () => write(await roots.issue("orders", "shop")),
        addAnchor: async () => {
          const bundle = `${roots.pem}\n${(await TestAuthority.create()).pem}\n`;
          writeFileSync(join(folder, "ca.pem"), bundle);
          return bundle;
        },
        interrupt: async () => rmSync(join(folder, "cert.pem")),
        createMisissued: (kind) => create(kind),
        logged: () => logged,
      },
      teardown: async () => {
        await identity.stop?.();
        rmSync(folder, { recursive: true, force: true });
      },
    };
  },
});

async function misissued(roots: TestAuthority): Promise<Readonly<Record<Misissue, Svid>>> {
  const foreign = await TestAuthority.create();
  const { privateKey } = await roots.issue("orders", "shop");
  return {
    "other-app": await roots.issue("other", "shop"),
    "other-namespace": await roots.issue("orders", "other"),
    "other-key": { ...(await roots.issue("orders", "shop")), privateKey },
    "foreign-root": { ...(await foreign.issue("orders", "shop")), trustAnchors: roots.pem },
    expired: await roots.issue("orders", "shop", { notAfterMs: Date.now() - 60_000 }),
  };
}
