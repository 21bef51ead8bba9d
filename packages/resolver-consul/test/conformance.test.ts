import {
  type ResolverPeers,
  type ResolverSubject,
  resolverFixture,
  testContext,
} from "@outrigger/conformance";
import { resolverConformance } from "@outrigger/conformance/vitest";
import type { Instance } from "@outrigger/core";
import { resolverConsul } from "@outrigger/resolver-consul";
import { ConsulServer, daprService, freePorts, serversOrSkip } from "@outrigger/test-servers";
import { afterAll, describe } from "vitest";

const signal = AbortSignal.timeout(600_000);
const binaries = serversOrSkip("consul");
let server: ConsulServer | undefined;

/** One agent for all cases; each finds in it what the fixture says and nothing else. */
async function emptyServer(binary: string): Promise<ConsulServer> {
  server ??= await ConsulServer.start(binary);
  const services = Object.keys((await server.get("/v1/agent/services")) as object);
  await Promise.all(services.map((id) => server?.put(deregister(id))));
  return server;
}

const deregister = (id: string): string => `/v1/agent/service/deregister/${encodeURIComponent(id)}`;

afterAll(() => server?.remove());

if (binaries === undefined) describe.skip("@outrigger/resolver-consul conforms");
for (const useCache of binaries === undefined ? [] : [true, false]) {
  resolverConformance({
    name: useCache ? "@outrigger/resolver-consul" : "with `useCache: false`",
    setup: async () => {
      const agent = await emptyServer(binaries?.consul ?? "");
      let wallClockShiftMs = 0;
      const [closedPort] = await freePorts(1);
      const client = { address: agent.address };
      const create = () =>
        resolverConsul({ client, useCache, checkIntervalMs: 1_500, retryAfterMs: 300 })(
          testContext({ now: () => Date.now() + wallClockShiftMs }),
        );
      const peers = consulPeers(agent);
      await Promise.all(resolverFixture.map((instance) => peers.add(instance)));
      const resolver = create();
      await resolver.start?.(signal);
      const subject: ResolverSubject = {
        resolver,
        create,
        peers,
        backend: { interrupt: () => agent.stop(), restore: () => agent.start() },
        createUnreachable: () =>
          resolverConsul({ client: { address: `127.0.0.1:${closedPort}` } })(testContext()),
        jumpClock: (byMs) => {
          wallClockShiftMs += byMs;
        },
        malformedConfigurations: [
          () => resolverConsul({ checkIntervalMs: -1 }),
          () => resolverConsul({ daprPortMetaKey: "not a key" }),
          () => resolverConsul({ client: { waitMs: Number.NaN } }),
          () => resolverConsul({ maxWatchedApps: 0 }),
        ],
      };
      return { subject, teardown: () => resolver.stop?.() };
    },
  });
}

/** Sidecars as Dapr registers them, with the namespace that ours add. */
function consulPeers(agent: ConsulServer): ResolverPeers {
  const idOf = ({ appId, host, httpPort }: Instance) => `${appId}-${host}-${httpPort}`;
  return {
    async add(instance) {
      const meta = { OUTRIGGER_NAMESPACE: instance.namespace };
      await agent.put("/v1/agent/service/register", daprService(instance, meta));
    },
    async remove(instance) {
      await agent.put(deregister(idOf(instance)));
    },
    async crash(instance) {
      await agent.put(`/v1/agent/check/fail/${encodeURIComponent(`daprHealth:${idOf(instance)}`)}`);
    },
    async addMalformed(appId) {
      const Checks = [{ TTL: "60s", Status: "passing" }];
      const metas = [{}, { DAPR_PORT: "" }, { DAPR_PORT: "abc" }, { DAPR_PORT: "65536" }];
      for (const [index, Meta] of metas.entries()) {
        const service = { ID: `bad-${appId}-${index}`, Name: appId, Address: "127.0.0.1", Meta };
        await agent.put("/v1/agent/service/register", { ...service, Checks });
      }
    },
  };
}
