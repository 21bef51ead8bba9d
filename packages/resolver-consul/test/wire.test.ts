import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { testContext } from "@outrigger/conformance";
import type { Instance, Resolver } from "@outrigger/core";
import {
  type ConsulClientOptions,
  consulOptionsFromDapr,
  type ResolverConsulOptions,
  resolverConsul,
} from "@outrigger/resolver-consul";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { StubAgent } from "./stub-agent.ts";

const request = { appId: "orders", namespace: "default" };
const orders = "/v1/health/service/orders";
const instance: Instance = {
  appId: "orders",
  namespace: "prod",
  host: "10.0.0.7",
  internalPort: 50_002,
  httpPort: 3_500,
  appPort: 8_080,
};
const signal = AbortSignal.timeout(60_000);
let stub: StubAgent;
let folder: string;
let resolvers: Resolver[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "outrigger-wire-"));
  stub = await StubAgent.listen();
});

afterEach(async () => {
  await Promise.all(resolvers.map((resolver) => resolver.stop?.()));
  resolvers = [];
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
  await stub.close();
});

async function started(options: ResolverConsulOptions): Promise<Resolver> {
  const resolver = resolverConsul(options)(testContext());
  resolvers.push(resolver);
  await resolver.start?.(signal);
  return resolver;
}

const address = (): string => `127.0.0.1:${stub.port}`;

async function queryOf(options: ResolverConsulOptions) {
  const resolver = await started({ client: { address: address() }, useCache: false, ...options });
  await resolver.resolve(request, signal);
  return stub.of(orders)[0];
}

async function registered(options: ResolverConsulOptions, overrides: Partial<Instance> = {}) {
  const resolver = await started({ client: { address: address() }, ...options });
  await resolver.announce?.({ ...instance, ...overrides }, signal);
  return JSON.parse(stub.of("/v1/agent/service/register")[0]?.body ?? "null");
}

describe("a look-up", () => {
  test("asks for passing instances, and falls back to the node's address", async () => {
    const resolver = await started({ client: { address: address() } });
    const found = await resolver.resolve(request, signal);
    expect(found).toEqual([{ host: "::1", port: 50_002 }]);
    expect(stub.of(orders)[0]?.query).toBe("passing=1");
  });

  test("sends the query options", async () => {
    const seen = await queryOf({
      queryOptions: {
        datacenter: "dc2",
        allowStale: true,
        useCache: true,
        maxAgeMs: 3_000,
        staleIfErrorMs: 60_000,
        waitMs: 5_000,
        token: "query token",
        near: "_agent",
        nodeMeta: { rack: "1", row: "2" },
        relayFactor: 3,
        localOnly: true,
        connect: true,
        filter: 'Service.Tags contains "a"',
      },
    });
    expect([...new URLSearchParams(seen?.query)]).toEqual([
      ["dc", "dc2"],
      ["passing", "1"],
      ["stale", ""],
      ["cached", ""],
      ["wait", "5000ms"],
      ["near", "_agent"],
      ["node-meta", "rack:1"],
      ["node-meta", "row:2"],
      ["relay-factor", "3"],
      ["local-only", "true"],
      ["connect", "true"],
      ["filter", 'Service.Tags contains "a"'],
    ]);
    expect(seen?.headers["cache-control"]).toBe("max-age=3, stale-if-error=60");
    expect(seen?.headers["x-consul-token"]).toBe("query token");
  });

  test("does not ask the agent's cache when the answer must be consistent", async () => {
    const seen = await queryOf({ queryOptions: { requireConsistent: true, useCache: true } });
    expect(seen?.query).toBe("passing=1&consistent=");
  });

  test("uses Dapr's default query with Dapr's configuration", async () => {
    const { client: _, ...options } = consulOptionsFromDapr({ client: {}, useCache: false });
    expect((await queryOf(options))?.query).toBe("passing=1&cached=");
  });

  test("reads the port from the configured key", async () => {
    const resolver = await started({ client: { address: address() }, daprPortMetaKey: "P" });
    expect(await resolver.resolve(request, signal)).toEqual([{ host: "::1", port: 50_003 }]);
  });

  test("asks the agent once with a cache, each time without", async () => {
    for (const useCache of [true, false]) {
      const resolver = await started({ client: { address: address() }, useCache });
      const before = stub.of(orders).length;
      for (let call = 0; call < 10; call++) await resolver.resolve(request, signal);
      const asked = stub.of(orders).length - before;
      // One more may be due to the first poll of the watch.
      if (useCache) expect(asked).toBeLessThanOrEqual(2);
      else expect(asked).toBe(10);
      await resolver.stop?.();
    }
  });
});

describe("the connection", () => {
  test("takes scheme and path prefix from the address, and sends token and datacenter", async () => {
    const resolver = await started({
      client: { address: `http://${address()}/proxy/`, token: "t", datacenter: "dc9" },
      selfRegister: false,
    });
    await resolver.resolve(request, signal);
    const paths = stub.seen.map(({ path }) => path);
    expect(paths).toEqual(expect.arrayContaining(["/proxy/v1/agent/self", `/proxy${orders}`]));
    expect(stub.of(`/proxy${orders}`)[0]?.query).toBe("dc=dc9&passing=1");
    expect(new Set(stub.seen.map(({ headers }) => headers["x-consul-token"]))).toEqual(
      new Set(["t"]),
    );
  });

  test("goes through a socket of the file system", async () => {
    const socket = join(folder, "consul.sock");
    const listening = await StubAgent.listen(socket);
    const client = { address: `unix://${socket}` };
    const resolver = await started({ client, selfRegister: false });
    await resolver.resolve(request, signal);
    expect(listening.of("/v1/agent/self")).toHaveLength(1);
    expect(listening.of(orders).length).toBeGreaterThan(0);
    await resolver.stop?.();
    await listening.close();
  });

  test("sends basic authentication with every request", async () => {
    const httpAuth = { username: "me", password: "p:w" };
    const client = { address: address(), httpAuth };
    const resolver = await started({ client, selfRegister: false });
    await resolver.resolve(request, signal);
    const expected = `Basic ${Buffer.from("me:p:w").toString("base64")}`;
    for (const { headers } of stub.seen) expect(headers.authorization).toBe(expected);
  });

  test("comes from the environment when there are no client options", async () => {
    const file = join(folder, "token");
    writeFileSync(file, "from the file\n");
    vi.stubEnv("CONSUL_HTTP_ADDR", address());
    vi.stubEnv("CONSUL_HTTP_TOKEN", "from the environment");
    vi.stubEnv("CONSUL_HTTP_TOKEN_FILE", file);
    vi.stubEnv("CONSUL_HTTP_AUTH", "user:pass");
    vi.stubEnv("CONSUL_NAMESPACE", "team");
    vi.stubEnv("CONSUL_PARTITION", "part");
    const resolver = await started({ useCache: false });
    await resolver.resolve(request, signal);
    const [seen] = stub.of(orders);
    expect(seen?.headers["x-consul-token"]).toBe("from the file");
    expect(seen?.headers.authorization).toBe(
      `Basic ${Buffer.from("user:pass").toString("base64")}`,
    );
    expect(seen?.query).toBe("ns=team&partition=part&passing=1");
  });

  test("takes from it what the client options leave blank, but no authentication or file", async () => {
    vi.stubEnv("CONSUL_HTTP_ADDR", address());
    vi.stubEnv("CONSUL_HTTP_TOKEN", "from the environment");
    vi.stubEnv("CONSUL_HTTP_TOKEN_FILE", join(folder, "is not read"));
    vi.stubEnv("CONSUL_HTTP_AUTH", "user:pass");
    const resolver = await started({ client: {}, useCache: false });
    await resolver.resolve(request, signal);
    const [seen] = stub.of(orders);
    expect(seen?.headers["x-consul-token"]).toBe("from the environment");
    expect(seen?.headers.authorization).toBeUndefined();
  });

  test("prefers the token's file to the token", async () => {
    const tokenFile = join(folder, "token");
    writeFileSync(tokenFile, "secret\n");
    const seen = await queryOf({ client: { address: address(), token: "other", tokenFile } });
    expect(seen?.headers["x-consul-token"]).toBe("secret");
  });

  test.each<[string, ConsulClientOptions]>([
    ["Unknown protocol scheme: ftp", { address: "ftp://consul" }],
    ["client.address", { address: "consul:port" }],
    ["Error loading token file", { tokenFile: "/does/not/exist" }],
    ["both client cert and client key must be provided", { tls: { certFile: "/a" } }],
    ["both client cert and client key must be provided", { tls: { keyFile: "/a" } }],
    ["Error loading CA file", { tls: { caFile: "/does/not/exist" } }],
    ["Error loading CA path", { tls: { caPath: "/does/not/exist" } }],
  ])("fails at start with %j", async (text, client) => {
    const failed = started({ client });
    await expect(failed).rejects.toMatchObject({ code: "OTR_OPTIONS_INVALID" });
    await expect(failed).rejects.toThrow(/^failed to init consul client: /);
    await expect(failed).rejects.toThrow(text);
  });
});

describe("a registration", () => {
  test("has Dapr's form with Dapr's configuration, and ends by itself when nobody lives", async () => {
    const { client: _, ...options } = consulOptionsFromDapr({
      selfRegister: true,
      tags: ["a"],
      meta: { k: "v" },
    });
    expect(await registered(options)).toEqual({
      ID: "orders-10.0.0.7-3500",
      Name: "orders",
      Address: "10.0.0.7",
      Port: 8_080,
      Tags: ["a"],
      Meta: { k: "v", DAPR_PORT: "50002" },
      Checks: [
        {
          Name: "Dapr Health Status",
          CheckID: "daprHealth:orders-10.0.0.7-3500",
          Interval: "15s",
          HTTP: "http://10.0.0.7:3500/v1.0/healthz?appid=orders",
          Status: "passing",
          DeregisterCriticalServiceAfter: "600s",
        },
      ],
    });
  });

  test("writes an IPv6 address with brackets only into the URL of the check", async () => {
    const payload = await registered({ check: "http" }, { host: "fd00::7" });
    expect(payload.ID).toBe("orders-fd00::7-3500");
    expect(payload.Address).toBe("fd00::7");
    expect(payload.Checks[0].HTTP).toBe("http://[fd00::7]:3500/v1.0/healthz?appid=orders");
  });

  test("can be checked at the internal port, or by the sidecar itself", async () => {
    const tcp = await registered({ check: "tcp", checkIntervalMs: 2_500 });
    expect(tcp.Checks[0]).toMatchObject({ TCP: "10.0.0.7:50002", Interval: "2500ms" });
    stub.seen.length = 0;
    const ttl = await registered({ deregisterCriticalAfterMs: 0 });
    expect(ttl.Checks[0]).toMatchObject({ TTL: "15s", Status: "passing" });
    expect(ttl.Checks[0]).not.toHaveProperty("DeregisterCriticalServiceAfter");
    expect(ttl.Meta).toEqual({ DAPR_PORT: "50002", OUTRIGGER_NAMESPACE: "prod" });
  });

  test("works for a sidecar without app and without HTTP API", async () => {
    const payload = await registered({ check: "http" }, { httpPort: 0, appPort: 0 });
    expect(payload).not.toHaveProperty("Port");
    expect(payload.ID).toBe("orders-10.0.0.7-50002");
    expect(payload.Checks[0]).toMatchObject({ TTL: "15s" });
  });

  test("may be written by hand; only the metadata are added", async () => {
    const given = { name: "orders", id: "mine", meta: { a: "b" }, weights: { passing: 2 } };
    const options = consulOptionsFromDapr({ advancedRegistration: given, tags: ["ignored"] });
    const { client: _, ...others } = options;
    expect(await registered(others)).toEqual({ ...given, meta: { a: "b", DAPR_PORT: "50002" } });
  });

  test("is not made unless it is configured", async () => {
    expect(await registered({ selfRegister: false })).toBeNull();
  });

  test("is taken back by withdraw, once, unless configured otherwise", async () => {
    const path = "/v1/agent/service/deregister/orders-10.0.0.7-3500";
    await registered({ selfDeregister: false });
    await resolvers[0]?.withdraw?.();
    expect(stub.of(path)).toHaveLength(0);
    await registered({});
    await resolvers[1]?.withdraw?.();
    await resolvers[1]?.stop?.();
    expect(stub.of(path)).toHaveLength(1);
  });
});
