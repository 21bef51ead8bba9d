import { type ResolverSubject, resolverFixture, testContext } from "@outrigger/conformance";
import { resolverConformance } from "@outrigger/conformance/vitest";
import type { Instance } from "@outrigger/core";
import { resolverDns } from "@outrigger/resolver-dns";
import { freePorts, serversOrSkip } from "@outrigger/test-servers";
import { test } from "vitest";
import { Dnsmasq } from "./dnsmasq.ts";
import { SrvZone, srvName } from "./srv-zone.ts";

/** A zone cannot hold two names that differ in case only. */
const isLowerCase = ({ appId }: Instance) => appId === appId.toLowerCase();

const servers = serversOrSkip("dnsmasq");

if (servers === undefined) test.skip("conforms (no dnsmasq)", () => undefined);
else {
  resolverConformance({
    name: "@outrigger/resolver-dns",
    knownFailures: {
      "resolver/id/exact-match":
        "DNS has no upper case: an id with upper-case letters is not found rather than confused",
    },
    setup: async () => {
      const server = await Dnsmasq.start(servers.dnsmasq);
      const zone = new SrvZone(server, resolverFixture.filter(isLowerCase));
      await zone.serve();
      const options = {
        name: srvName,
        records: "srv",
        servers: [server.address],
        minTtlMs: 100,
        retryAfterMs: 300,
      } as const;
      const create = () => resolverDns(options)(testContext());
      const resolver = create();
      const [nobody = 0] = await freePorts(1);

      const subject: ResolverSubject = {
        resolver,
        create,
        peers: zone,
        backend: {
          async interrupt() {
            zone.clear();
            await server.stop();
          },
          restore: () => zone.serve(),
        },
        backendQueries: () => server.questions(),
        createUnreachable: () =>
          resolverDns({ ...options, servers: [`127.0.0.1:${nobody}`] })(testContext()),
        malformedConfigurations: [
          () => resolverDns({ name: "orders.test", port: 1 }),
          () => resolverDns({ name: "{appid}.{zone}.test", port: 1 }),
          () => resolverDns({ name: "{appid}..test", port: 1 }),
          () => resolverDns({ name: "{appid}.test" }),
          () => resolverDns({ ...options, port: 1 }),
          () => resolverDns({ ...options, servers: ["ns.test"] }),
          () => resolverDns({ ...options, minTtlMs: 2, maxTtlMs: 1 }),
        ],
      };
      const teardown = async () => {
        await resolver.stop?.();
        await server.close();
      };
      return { subject, teardown };
    },
  });
}
