import { testContext } from "@outrigger/conformance";
import { joinHostPort, type Resolver } from "@outrigger/core";
import { type ResolverDnsOptions, resolverDns } from "@outrigger/resolver-dns";
import { serversOrSkip } from "@outrigger/test-servers";
import { afterEach, describe, expect, test } from "vitest";
import { Dnsmasq } from "./dnsmasq.ts";

const signal = AbortSignal.timeout(120_000);
const servers = serversOrSkip("dnsmasq");
let server: Dnsmasq | undefined;
const resolvers: Resolver[] = [];

afterEach(async () => {
  await Promise.all(resolvers.splice(0).map((resolver) => resolver.stop?.()));
  await server?.close();
});

async function serve(lines: readonly string[]): Promise<Dnsmasq> {
  server = await Dnsmasq.start(servers?.dnsmasq ?? "", lines);
  return server;
}

function resolverOf(
  { address }: Dnsmasq,
  options: Partial<ResolverDnsOptions> = {},
  logged: string[] = [],
): Resolver {
  const log = {
    ...testContext().log,
    log: (level: string, text: string) => void logged.push(`${level} ${text}`),
  };
  const resolver = resolverDns({
    name: "{appid}.test",
    ...(options.records === "srv" ? {} : { port: 50_002 }),
    servers: [address],
    minTtlMs: 0,
    ...options,
  })(testContext({ log }));
  resolvers.push(resolver);
  return resolver;
}

async function find(resolver: Resolver, appId: string, namespace = "default") {
  const found = await resolver.resolve({ appId, namespace }, signal);
  return found.map(({ host, port }) => joinHostPort(host, port)).sort();
}

describe.skipIf(servers === undefined)("a real name server", () => {
  test("gives every IPv4 and IPv6 address of a name", async () => {
    const dns = await serve([
      "host-record=orders.test,10.0.0.1",
      "host-record=orders.test,10.0.0.2",
      "host-record=orders.test,fd00::1",
    ]);
    const all = ["10.0.0.1:50002", "10.0.0.2:50002", "[fd00::1]:50002"];
    expect(await find(resolverOf(dns), "orders")).toEqual(all);
    expect(await find(resolverOf(dns, { family: "ipv4" }), "orders")).toEqual(all.slice(0, 2));
    expect(await find(resolverOf(dns, { family: "ipv6" }), "orders")).toEqual(all.slice(2));
  });

  test("follows an alias, and fills in app id and namespace wherever they are", async () => {
    const dns = await serve([
      "cname=orders.prod.orders.test,target.test",
      "host-record=target.test,10.0.0.1",
    ]);
    const resolver = resolverOf(dns, { name: "{appid}.{namespace}.{appid}.test" });
    expect(resolver.features.namespaces).toBe(true);
    expect(await find(resolver, "orders", "prod")).toEqual(["10.0.0.1:50002"]);
    await expect(find(resolver, "orders", "other")).rejects.toMatchObject({
      code: "OTR_RESOLVE_NOT_FOUND",
      message: "no address for app id orders at orders.other.orders.test",
    });
  });

  test("keeps an answer for its TTL, within the bounds that are set", async () => {
    const dns = await serve([
      "host-record=short.test,10.0.0.1,1",
      "host-record=long.test,10.0.0.2,3600",
      "host-record=zero.test,10.0.0.3,0",
    ]);
    const resolver = resolverOf(dns, { family: "ipv4", minTtlMs: 300, maxTtlMs: 1_500 });
    const asked = async (appId: string) => {
      const before = dns.questions(`${appId}.test`);
      await find(resolver, appId);
      return dns.questions(`${appId}.test`) - before;
    };
    // Each is asked for once, and then when its time is over.
    const lives: Record<string, number> = { zero: 300, short: 1_000, long: 1_500 };
    for (const [appId, lifeMs] of Object.entries(lives)) {
      const begin = performance.now();
      expect(await asked(appId)).toBe(1);
      let rounds = 0;
      while ((await asked(appId)) === 0) {
        rounds += 1;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      const tookMs = performance.now() - begin;
      expect(rounds).toBeGreaterThan(3);
      expect(tookMs).toBeGreaterThan(lifeMs * 0.95);
      expect(tookMs).toBeLessThan(lifeMs + 600);
    }
  });

  test("takes the SRV records with the lowest priority, whatever their weights", async () => {
    const dns = await serve([
      "srv-host=_dapr._tcp.orders.test,a.test,1001,10,0",
      "srv-host=_dapr._tcp.orders.test,a.test,1002,10,50",
      "srv-host=_dapr._tcp.orders.test,b.test,1003,10,1",
      "srv-host=_dapr._tcp.orders.test,b.test,1004,20,99",
      "host-record=a.test,10.0.0.1",
      "host-record=b.test,10.0.0.2,fd00::2",
      // A target of `.`: there is no such service.
      "srv-host=_dapr._tcp.closed.test",
    ]);
    const resolver = resolverOf(dns, { name: "_dapr._tcp.{appid}.test", records: "srv" });
    expect(await find(resolver, "orders")).toEqual([
      "10.0.0.1:1001",
      "10.0.0.1:1002",
      "10.0.0.2:1003",
      "[fd00::2]:1003",
    ]);
    await expect(find(resolver, "closed")).rejects.toMatchObject({ code: "OTR_RESOLVE_NOT_FOUND" });
  });

  test("asks again over TCP when an answer does not fit a packet", async () => {
    const ports = Array.from({ length: 150 }, (_, index) => 1_001 + index);
    const dns = await serve([
      ...ports.map((port) => `srv-host=_dapr._tcp.orders.test,a.test,${port}`),
      "host-record=a.test,10.0.0.1",
    ]);
    const resolver = resolverOf(dns, { name: "_dapr._tcp.{appid}.test", records: "srv" });
    expect(await find(resolver, "orders")).toEqual(ports.map((port) => `10.0.0.1:${port}`));
  });

  test("calls go on from the last known endpoints while the server is away, and it says so once", async () => {
    const lines = ["host-record=orders.test,10.0.0.1"];
    const dns = await serve(lines);
    const logged: string[] = [];
    const resolver = resolverOf(dns, { lookupTimeoutMs: 200 }, logged);
    const known = await find(resolver, "orders");
    await dns.stop();
    for (let round = 0; round < 10; round++) expect(await find(resolver, "orders")).toEqual(known);
    await expect(find(resolver, "billing")).rejects.toMatchObject({ code: "OTR_RESOLVE_FAILED" });
    const told = (text: string) => logged.filter((line) => line.includes(text)).length;
    expect(told("calls go on to the last known endpoints")).toBe(1);
    expect(told("answers again")).toBe(0);
    await dns.serve(["host-record=orders.test,10.0.0.9"]);
    await expect
      .poll(() => find(resolver, "orders"), { timeout: 5_000 })
      .toEqual(["10.0.0.9:50002"]);
    expect(told("answers again")).toBe(1);
  });

  test("an app that is taken out of DNS is not found any more", async () => {
    const dns = await serve(["host-record=orders.test,10.0.0.1"]);
    const resolver = resolverOf(dns);
    expect(await find(resolver, "orders")).toHaveLength(1);
    await dns.serve([]);
    await expect(find(resolver, "orders")).rejects.toMatchObject({ code: "OTR_RESOLVE_NOT_FOUND" });
  });

  test("a server that refuses is no server that knows nobody", async () => {
    const dns = await serve([]);
    const resolver = resolverOf(dns, { name: "{appid}.elsewhere" });
    await expect(find(resolver, "orders")).rejects.toMatchObject({
      code: "OTR_RESOLVE_FAILED",
      message: "DNS look-up of orders.elsewhere failed: the server refused (REFUSED)",
    });
  });

  test("finds an id with upper-case letters only when told to", async () => {
    const dns = await serve(["host-record=orders.test,10.0.0.1"]);
    await expect(find(resolverOf(dns), "Orders")).rejects.toMatchObject({
      code: "OTR_RESOLVE_NOT_FOUND",
    });
    expect(await find(resolverOf(dns, { upperCaseIds: true }), "Orders")).toHaveLength(1);
  });

  test("asks once more when an endpoint failed before its TTL was over, not for every failure", async () => {
    const dns = await serve(["host-record=orders.test,10.0.0.1,3600"]);
    const resolver = resolverOf(dns, { family: "ipv4", minTtlMs: 30_000 });
    const [failed] = await resolver.resolve({ appId: "orders", namespace: "default" }, signal);
    for (let count = 0; count < 100 && failed !== undefined; count++) {
      resolver.report?.({ appId: "orders", namespace: "default" }, failed, "unreachable");
      await find(resolver, "orders");
    }
    expect(dns.questions("orders.test")).toBe(2);
  });
});
