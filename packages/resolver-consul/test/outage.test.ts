import { setTimeout as sleep } from "node:timers/promises";
import { testContext } from "@outrigger/conformance";
import { type Endpoint, joinHostPort, type Resolver } from "@outrigger/core";
import {
  consulOptionsFromDapr,
  type ResolverConsulOptions,
  resolverConsul,
} from "@outrigger/resolver-consul";
import { ConsulServer, freePorts, serversOrSkip } from "@outrigger/test-servers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { instanceOf } from "./instance.ts";
import { RecordingLog } from "./recording-log.ts";

const binaries = serversOrSkip("consul");
const consul = binaries?.consul ?? "";
const signal = AbortSignal.timeout(300_000);
const question = { appId: "orders", namespace: "default" };
const until = { timeout: 15_000, interval: 20 };

let servers: ConsulServer[] = [];
let resolvers: Resolver[] = [];

afterEach(async () => {
  await Promise.all(resolvers.map((resolver) => resolver.stop?.()));
  await Promise.all(servers.map((server) => server.remove()));
  resolvers = [];
  servers = [];
});

async function startServer(): Promise<ConsulServer> {
  const server = await ConsulServer.start(consul);
  servers.push(server);
  return server;
}

async function started(server: ConsulServer, options: ResolverConsulOptions = {}) {
  const log = new RecordingLog();
  const client = { address: server.address };
  const factory = resolverConsul({ client, checkIntervalMs: 1_500, ...options });
  const resolver = factory(testContext({ log }));
  resolvers.push(resolver);
  await resolver.start?.(signal);
  return { resolver, log };
}

const addressesOf = async (resolver: Resolver): Promise<readonly string[]> => {
  const found: readonly Endpoint[] = await resolver.resolve(question, signal);
  return found.map(({ host, port }) => joinHostPort(host, port)).sort();
};

describe.skipIf(binaries === undefined)("an agent that goes away", () => {
  test.each([true, false])(
    "leaves the last known endpoints, says so once, and tells of its return (useCache %s)",
    { timeout: 40_000 },
    async (useCache) => {
      const server = await startServer();
      const { resolver: other } = await started(server);
      await other.announce?.(instanceOf("orders", 22_401), signal);
      const { resolver, log } = await started(server, { useCache });
      expect(await addressesOf(resolver)).toEqual(["127.0.0.1:22401"]);
      await server.stop();
      const away = /^warn: consul does not answer, calls go on with the last known endpoints/;
      await vi.waitFor(async () => {
        expect(await addressesOf(resolver)).toEqual(["127.0.0.1:22401"]);
        expect(log.of(away)).toHaveLength(1);
      }, until);
      await expect(
        resolver.resolve({ ...question, appId: "never-seen" }, signal),
      ).rejects.toMatchObject({ code: "OTR_RESOLVE_FAILED" });
      await server.start();
      // Until the other one has registered again, the new agent says that nobody is there.
      await vi.waitFor(async () => {
        expect(await addressesOf(resolver)).toEqual(["127.0.0.1:22401"]);
        expect(log.of(/^info: consul answers again$/)).toHaveLength(1);
      }, until);
      expect(log.of(away)).toHaveLength(1);
    },
  );

  test("does not make callers fail when it comes back without its data", {
    timeout: 40_000,
  }, async () => {
    const server = await startServer();
    const { resolver: other } = await started(server, { checkIntervalMs: 6_000 });
    await other.announce?.(instanceOf("orders", 22_405), signal);
    const { resolver } = await started(server, { checkIntervalMs: 6_000 });
    await vi.waitFor(async () => expect(await addressesOf(resolver)).toHaveLength(1), until);
    await server.stop();
    let away = true;
    const load = (async () => {
      for (; away; await sleep(1)) expect(await addressesOf(resolver)).toHaveLength(1);
    })();
    await server.start();
    await vi.waitFor(async () => {
      expect(await server.get("/v1/agent/services")).not.toEqual({});
    }, until);
    away = false;
    await load;
    // An app that is gone in good order is forgotten, if a little later than usual.
    await other.stop?.();
    await vi.waitFor(
      () =>
        expect(resolver.resolve(question, signal)).rejects.toMatchObject({
          code: "OTR_RESOLVE_NOT_FOUND",
        }),
      until,
    );
  });

  test("gets every kind of registration again when it comes back empty", {
    timeout: 40_000,
  }, async () => {
    const server = await startServer();
    const { resolver: ttl, log } = await started(server);
    const { resolver: http } = await started(server, { check: "http" });
    const advancedRegistration = { name: "orders", id: "third", address: "127.0.0.1" };
    const { resolver: advanced } = await started(server, { advancedRegistration });
    await ttl.announce?.(instanceOf("orders", 22_411), signal);
    await http.announce?.(instanceOf("orders", 22_412), signal);
    await advanced.announce?.(instanceOf("orders", 22_413), signal);
    const ids = ["orders-127.0.0.1-32411", "orders-127.0.0.1-32412", "third"];
    const registered = async () =>
      Object.keys((await server.get("/v1/agent/services")) as object).sort();
    expect(await registered()).toEqual(ids);
    await server.stop();
    await vi.waitFor(() => expect(log.of(/does not take the sign of life/)).toHaveLength(1), until);
    await server.start();
    await vi.waitFor(async () => expect(await registered()).toEqual(ids), until);
    expect(log.of(/^warn: consul agent had lost service:orders-127.0.0.1-32411/)).toHaveLength(1);
    expect(log.of(/^info: consul agent is back/)).toHaveLength(1);
  });

  test("does not keep a sidecar from ending", { timeout: 40_000 }, async () => {
    const server = await startServer();
    const { resolver, log } = await started(server);
    await resolver.announce?.(instanceOf("orders", 22_421), signal);
    await server.stop();
    await expect(resolver.withdraw?.()).rejects.toThrow(/^failed to deregister consul service: /);
    await resolver.stop?.();
    expect(log.of(/^(error|fatal)/)).toEqual([]);
  });
});

describe.skipIf(binaries === undefined)("a registration", () => {
  test("of Dapr's configuration goes through with every field", { timeout: 40_000 }, async () => {
    const server = await startServer();
    const check = { CheckID: "alive", ttl: "60s", status: "passing" };
    const { client: _, ...options } = consulOptionsFromDapr({
      advancedRegistration: {
        ID: "mine",
        name: "orders",
        tags: ["a"],
        address: "10.1.1.1",
        port: 80,
        meta: { KeepsCase: "x" },
        taggedAddresses: { lan: { address: "10.2.2.2", port: 81 } },
        enableTagOverride: true,
        weights: { passing: 7, warning: 2 },
        checks: [{ ...check, deregisterCriticalServiceAfter: "5m", notes: "n" }],
      },
    });
    const { resolver } = await started(server, options);
    await resolver.announce?.(instanceOf("orders", 22_431), signal);
    expect(await server.get("/v1/agent/service/mine")).toMatchObject({
      ID: "mine",
      Service: "orders",
      Tags: ["a"],
      Address: "10.1.1.1",
      Port: 80,
      Meta: { KeepsCase: "x", DAPR_PORT: "22431" },
      TaggedAddresses: { lan: { Address: "10.2.2.2", Port: 81 } },
      EnableTagOverride: true,
      Weights: { Passing: 7, Warning: 2 },
    });
    const checks = await server.get("/v1/agent/checks");
    expect(checks).toMatchObject({ alive: { Status: "passing", Notes: "n", Type: "ttl" } });
    expect(await addressesOf(resolver)).toEqual(["10.1.1.1:22431"]);
    await resolver.withdraw?.();
    expect(await server.get("/v1/agent/services")).toEqual({});
  });

  test("of a sidecar that lives no more is not returned", { timeout: 40_000 }, async () => {
    const server = await startServer();
    const { resolver } = await started(server);
    const { resolver: frozen } = await started(server, { check: "http", checkIntervalMs: 500 });
    await frozen.announce?.(instanceOf("orders", 22_441), signal);
    // Nobody answers at its HTTP port, so the first probe of the agent ends the benefit of the doubt.
    await vi.waitFor(
      () => expect(addressesOf(resolver)).rejects.toMatchObject({ code: "OTR_RESOLVE_NOT_FOUND" }),
      until,
    );
  });
});

describe.skipIf(binaries === undefined)("changes", () => {
  test("reach watchers and callers without a question to wait for", {
    timeout: 40_000,
  }, async () => {
    const server = await startServer();
    const { resolver } = await started(server);
    const told: (readonly Endpoint[])[] = [];
    const end = resolver.watch?.(question, (endpoints) => told.push(endpoints));
    const { resolver: one } = await started(server);
    await one.announce?.(instanceOf("orders", 22_451), signal);
    await vi.waitFor(() => expect(told.at(-1)?.map(({ port }) => port)).toEqual([22_451]), until);
    await one.withdraw?.();
    await vi.waitFor(() => expect(told.at(-1)).toEqual([]), until);
    end?.();
    const count = told.length;
    await one.announce?.(instanceOf("orders", 22_452), signal);
    await vi.waitFor(async () => expect(await addressesOf(resolver)).toHaveLength(1), until);
    expect(told).toHaveLength(count);
  });

  test("of a rolling restart never leave a caller without an endpoint", {
    timeout: 60_000,
  }, async () => {
    const server = await startServer();
    const { resolver } = await started(server);
    const ports = [22_461, 22_462, 22_463];
    const running = new Map<number, Resolver>();
    for (const port of ports) {
      const { resolver: instance } = await started(server);
      await instance.announce?.(instanceOf("orders", port), signal);
      running.set(port, instance);
    }
    await vi.waitFor(async () => expect(await addressesOf(resolver)).toHaveLength(3), until);
    let resolving = true;
    let calls = 0;
    const load = (async () => {
      for (; resolving; calls++) {
        expect((await addressesOf(resolver)).length).toBeGreaterThan(0);
        await sleep(0);
      }
    })();
    for (const port of ports) {
      await running.get(port)?.stop?.();
      await vi.waitFor(async () => expect(await addressesOf(resolver)).toHaveLength(2), until);
      const { resolver: renewed } = await started(server);
      await renewed.announce?.(instanceOf("orders", port + 100), signal);
      await vi.waitFor(async () => expect(await addressesOf(resolver)).toHaveLength(3), until);
    }
    resolving = false;
    await load;
    expect(calls).toBeGreaterThan(50);
    expect(await addressesOf(resolver)).toEqual(ports.map((port) => `127.0.0.1:${port + 100}`));
  });
});

describe.skipIf(binaries === undefined)("three servers", () => {
  test("go on when the leader is killed", { timeout: 90_000 }, async () => {
    const ports = await freePorts(12);
    const groups = [0, 1, 2].map((index) => ports.slice(index * 4, index * 4 + 4));
    const retry_join = groups.map(([, serf]) => `127.0.0.1:${serf}`);
    const common = { server: true, bootstrap_expect: 3, retry_join, retry_interval: "200ms" };
    const config = { ...common, performance: { raft_multiplier: 1 } };
    servers = groups.map((group) => new ConsulServer(consul, group, { config, dev: false }));
    for (const server of servers) server.launch();
    await Promise.all(servers.map((server) => server.ready()));
    const [first] = servers;
    const leader = String(await first?.get("/v1/status/leader"));
    const dead = groups.findIndex((group) => leader === `127.0.0.1:${group[3]}`);
    const [here, there] = servers.filter((_, index) => index !== dead);
    if (here === undefined || there === undefined) throw new Error("no followers");
    const { resolver } = await started(here);
    const { resolver: one } = await started(there);
    await one.announce?.(instanceOf("orders", 22_471), signal);
    await vi.waitFor(async () => expect(await addressesOf(resolver)).toHaveLength(1), until);
    await servers[dead]?.stop();
    // No look-up fails, with a leader or without one.
    const { resolver: late } = await started(there);
    await vi.waitFor(
      async () => {
        expect(await addressesOf(resolver)).toContain("127.0.0.1:22471");
        const other = await late.announce?.(instanceOf("orders", 22_472), signal).catch(String);
        expect(other === undefined || /already/.test(other)).toBe(true);
        expect(await addressesOf(resolver)).toEqual(["127.0.0.1:22471", "127.0.0.1:22472"]);
      },
      { timeout: 45_000, interval: 100 },
    );
  });
});
