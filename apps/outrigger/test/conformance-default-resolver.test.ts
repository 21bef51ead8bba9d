import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ResolverSubject, resolverFixture, testContext } from "@outrigger/conformance";
import { resolverConformance } from "@outrigger/conformance/vitest";
import type { ComponentFactory, Instance, Resolver } from "@outrigger/core";
import { resolverChain } from "@outrigger/resolver-chain";
import { resolverLocal } from "@outrigger/resolver-local";
import { resolverMdns } from "@outrigger/resolver-mdns";
import { freeUdpPort } from "./udp-port.ts";

// What a sidecar without configuration uses: mDNS and the local registry, merged. A third of the
// instances is known to mDNS alone, a third to the registry alone, a third to both.

const { signal } = new AbortController();

resolverConformance({
  name: "mDNS and the local registry, merged,",
  setup: async () => {
    const folder = mkdtempSync(join(tmpdir(), "outrigger-default-"));
    const port = await freeUdpPort();
    const mdns = resolverMdns({
      port,
      interfaces: ["127.0.0.1"],
      lookupTimeoutMs: 500,
      instanceLifetimeMs: 900,
      refreshIntervalMs: 250,
      retryAfterMs: 300,
    });
    const local = resolverLocal({ folder, retryAfterMs: 300 });
    const create = () =>
      resolverChain({
        name: "mdns",
        mode: "merged",
        retryAfterMs: 300,
        recheckMs: 250,
        members: [
          { name: "mdns", resolver: mdns },
          { name: "local", resolver: local },
        ],
      })(testContext());
    const running: Resolver[] = [];
    const start = async (factory: ComponentFactory<Resolver>) => {
      const started = factory(testContext());
      running.push(started);
      await started.start?.(signal);
      return started;
    };
    const [others, files, resolver] = [await start(mdns), await start(local), create()];
    await Promise.all(
      resolverFixture.flatMap((instance, index) => [
        index % 3 === 0 ? undefined : others.announce?.(instance, signal),
        index % 3 === 1 ? undefined : files.announce?.(instance, signal),
      ]),
    );
    await resolver.start?.(signal);
    const peers = new Map<string, Resolver>();
    const keyOf = ({ appId, internalPort }: Instance) => `${appId}:${internalPort}`;
    const subject: ResolverSubject = {
      resolver,
      create,
      peers: {
        add: async (instance) => {
          const factory = instance.internalPort % 2 === 0 ? mdns : local;
          // An mDNS answer carries addresses only.
          const peer = await start(instance.host === "127.0.0.1" ? factory : local);
          peers.set(keyOf(instance), peer);
          await peer.announce?.(instance, signal);
        },
        remove: async (instance) => peers.get(keyOf(instance))?.stop?.(),
      },
    };
    const teardown = async () => {
      await resolver.stop?.();
      await Promise.all(running.map((one) => one.stop?.()));
      rmSync(folder, { recursive: true, force: true });
    };
    return { subject, teardown };
  },
});
