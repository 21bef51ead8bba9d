import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Misissue, testContext } from "@outrigger/conformance";
import { identityConformance } from "@outrigger/conformance/vitest";
import type { Logger } from "@outrigger/core";
import { identitySentry } from "@outrigger/identity-sentry";
import { TestAuthority } from "../../spiffe/test/certificates.ts";
import { type Answer, honest, StandInAuthority } from "./stand-in-authority.ts";

identityConformance({
  name: "@outrigger/identity-sentry",
  setup: async () => {
    const folder = mkdtempSync(join(tmpdir(), "outrigger-identity-"));
    const roots = await TestAuthority.create();
    const foreign = await TestAuthority.create();
    const sentry = new StandInAuthority();
    let wrong: Misissue | undefined;
    await sentry.start(roots, (request) =>
      wrong === undefined
        ? honest(roots, 3_000)(request)
        : misissue(wrong, roots, foreign)(request),
    );
    let logged = "";
    const log: Logger = {
      enabled: () => true,
      log: (_level, text) => {
        logged += `${text}\n`;
      },
      scope: () => log,
    };
    const file = join(folder, "ca.pem");
    writeFileSync(file, roots.pem);
    const create = () =>
      identitySentry({ address: `127.0.0.1:${sentry.port}`, trustAnchors: { file } })(
        testContext({ appId: "orders", namespace: "shop", log }),
      );
    const identity = create();
    await identity.start?.(AbortSignal.timeout(5_000));
    return {
      subject: {
        identity,
        create,
        expected: { appId: "orders", namespace: "shop" },
        // It renews by itself: the certificates live for three seconds.
        rotate: async () => undefined,
        addAnchor: async () => {
          const bundle = `${roots.pem}\n${foreign.pem}\n`;
          writeFileSync(file, bundle);
          return bundle;
        },
        interrupt: () => sentry.stop(),
        createMisissued: (kind) => {
          wrong = kind;
          return create();
        },
        logged: () => logged,
      },
      teardown: async () => {
        await identity.stop?.();
        await sentry.stop();
        rmSync(folder, { recursive: true, force: true });
      },
    };
  },
});

function misissue(kind: Misissue, roots: TestAuthority, foreign: TestAuthority): Answer {
  return async (request) => {
    switch (kind) {
      case "other-app":
        return honest(roots)({ ...request, id: "other" });
      case "other-namespace":
        return honest(roots)({ ...request, namespace: "other" });
      case "other-key": {
        const { certificateChain } = await roots.issue("orders", "shop");
        const workloadCertificate = Buffer.from(certificateChain);
        return { ...(await honest(roots)(request)), workloadCertificate };
      }
      case "foreign-root":
        return honest(foreign)(request);
      case "expired":
        return honest(roots, -60_000)(request);
    }
  };
}
