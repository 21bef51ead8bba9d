import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ResolverSubject, resolverFixture, testContext } from "@outrigger/conformance";
import { resolverConformance } from "@outrigger/conformance/vitest";
import type { Instance } from "@outrigger/core";
import { resolverLocal } from "@outrigger/resolver-local";
import { PeerProcess } from "./peer-process.ts";

const { signal } = new AbortController();

resolverConformance({
  name: "@outrigger/resolver-local",
  setup: async () => {
    const root = mkdtempSync(join(tmpdir(), "outrigger-local-"));
    const folder = join(root, "registry");
    let wallClockShiftMs = 0;
    const create = () =>
      resolverLocal({ folder, heartbeatMs: 200, lifetimeMs: 1_000, retryAfterMs: 300 })(
        testContext({ now: () => Date.now() + wallClockShiftMs }),
      );
    const others = create();
    await others.start?.(signal);
    await Promise.all(resolverFixture.map((instance) => others.announce?.(instance, signal)));
    const resolver = create();
    await resolver.start?.(signal);
    const running = new Map<string, PeerProcess>();
    const keyOf = ({ appId, internalPort }: Instance) => `${appId}:${internalPort}`;
    const notAFolder = join(root, "file");
    writeFileSync(notAFolder, "");

    const subject: ResolverSubject = {
      resolver,
      create,
      peers: {
        add: async (instance) => {
          running.set(keyOf(instance), await PeerProcess.start(folder, instance));
        },
        remove: async (instance) => running.get(keyOf(instance))?.stop(),
        crash: async (instance) => running.get(keyOf(instance))?.crash(),
        addMalformed: async (appId) => {
          const [scope = ""] = readdirSync(folder);
          const digest = createHash("sha256").update(`default\n${appId}`).digest("hex");
          const prefix = digest.slice(0, 24);
          const write = (id: string, text: string) =>
            writeFileSync(join(folder, scope, `${prefix}.${id}.json`), text);
          write("00000001", "{");
          write("00000002", JSON.stringify({ version: 1, appId, namespace: "default", port: 0 }));
          write("00000003", "");
        },
      },
      backend: {
        interrupt: async () => rmSync(folder, { recursive: true }),
        restore: async () => undefined,
      },
      createUnreachable: () => resolverLocal({ folder: notAFolder })(testContext()),
      jumpClock: (byMs) => {
        wallClockShiftMs += byMs;
      },
      malformedConfigurations: [
        () => resolverLocal({ folder: "" }),
        () => resolverLocal({ freshMs: -1 }),
        () => resolverLocal({ heartbeatMs: 10_000, lifetimeMs: 10_000 }),
        () => resolverLocal({ maxFiles: 0 }),
      ],
    };
    const teardown = async () => {
      await Promise.all([...running.values()].map((peer) => peer.crash()));
      await Promise.all([resolver.stop?.(), others.stop?.()]);
      rmSync(root, { recursive: true, force: true });
    };
    return { subject, teardown };
  },
});
