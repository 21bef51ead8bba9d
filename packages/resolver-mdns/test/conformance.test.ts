import {
  type ResolverPeers,
  type ResolverSubject,
  resolverFixture,
  testContext,
} from "@outrigger/conformance";
import { resolverConformance } from "@outrigger/conformance/vitest";
import type { Instance } from "@outrigger/core";
import { resolverMdns } from "@outrigger/resolver-mdns";
import { freeUdpPort } from "./udp-port.ts";
import { daprAnswer, daprRecords, WirePeer } from "./wire-peer.ts";

const signal = AbortSignal.timeout(600_000);

resolverConformance({
  name: "@outrigger/resolver-mdns",
  setup: async () => {
    const port = await freeUdpPort();
    let wallClockShiftMs = 0;
    const create = () =>
      resolverMdns({
        port,
        interfaces: ["127.0.0.1"],
        lookupTimeoutMs: 500,
        instanceLifetimeMs: 900,
        refreshIntervalMs: 250,
        retryAfterMs: 300,
      })(testContext({ now: () => Date.now() + wallClockShiftMs }));

    const others = create();
    await others.start?.(signal);
    await Promise.all(resolverFixture.map((instance) => others.announce?.(instance, signal)));
    const resolver = create();
    await resolver.start?.(signal);
    const wire = await WirePeer.open(port);

    const subject: ResolverSubject = {
      resolver,
      create,
      peers: daprPeers(wire),
      backendQueries: () => wire.heard.filter(({ packet }) => packet.type === "query").length,
      createUnreachable: () => resolverMdns({ port, interfaces: ["none"] })(testContext()),
      jumpClock: (byMs) => {
        wallClockShiftMs += byMs;
      },
      malformedConfigurations: [
        () => resolverMdns({ port: 0 }),
        () => resolverMdns({ interfaces: [] }),
        () => resolverMdns({ lookupTimeoutMs: -1 }),
        () => resolverMdns({ maxApps: 1.5 }),
      ],
      // An mDNS answer carries addresses only.
      unsupportedHosts: ["name"],
    };
    const teardown = () => Promise.all([resolver.stop?.(), others.stop?.(), wire.close()]);
    return { subject, teardown };
  },
});

/** Sidecars that behave on the wire as recorded Dapr sidecars do. */
function daprPeers(wire: WirePeer): ResolverPeers {
  const running = new Map<string, Instance>();
  const onWire = ({ appId, host, internalPort }: Instance) => ({ appId, host, port: internalPort });
  const keyOf = ({ appId, internalPort }: Instance) => `${appId}:${internalPort}`;
  wire.onQuestion = (name) => {
    for (const instance of running.values()) {
      if (name === `${instance.appId}.local`) void wire.send(daprAnswer(onWire(instance)));
    }
  };
  return {
    async add(instance) {
      running.set(keyOf(instance), instance);
      await wire.send({ type: "response", answers: daprRecords(onWire(instance)) });
    },
    async remove(instance) {
      running.delete(keyOf(instance));
      await wire.send({ type: "response", answers: daprRecords(onWire(instance), 0) });
    },
    async crash(instance) {
      running.delete(keyOf(instance));
    },
    async addMalformed(appId) {
      const good = daprRecords({ appId, host: "127.0.0.1", port: 23_001 });
      const noPort = daprRecords({ appId, host: "127.0.0.1", port: 0, pid: 7 });
      const noAddress = daprRecords({ appId, host: "0.0.0.0", port: 23_002 });
      await wire.send({ type: "response", answers: noPort });
      await wire.send({ type: "response", answers: noAddress });
      await wire.send({ type: "response", answers: good.filter(({ type }) => type !== "TXT") });
      await wire.sendBytes(Buffer.from([0, 0, 0x84, 0, 0, 0, 0, 9, 0, 0, 0, 0, 3, 0x61]));
    },
  };
}
