import { testContext } from "@outrigger/conformance";
import type { Resolver } from "@outrigger/core";
import { type ResolverKubernetesOptions, resolverKubernetes } from "@outrigger/resolver-kubernetes";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { Dnsmasq, dnsmasqOrSkip } from "./dnsmasq.ts";
import { LogLines } from "./log-lines.ts";

const binary = dnsmasqOrSkip();
const signal = AbortSignal.timeout(600_000);
const orders = "orders-dapr.default.svc.cluster.local";

describe.skipIf(binary === undefined)("a real DNS server", () => {
  let dns: Dnsmasq;
  let log: LogLines;
  const running: Resolver[] = [];

  beforeAll(async () => {
    if (binary !== undefined) dns = new Dnsmasq(binary);
    await dns?.serve({});
  });

  afterEach(async () => {
    for (const resolver of running.splice(0)) await resolver.stop?.();
  });

  afterAll(() => dns?.stop());

  async function start(changes: ResolverKubernetesOptions = {}): Promise<Resolver> {
    log = new LogLines();
    const options = { mode: "dns", nameServers: [dns.address], ...changes } as const;
    const resolver = resolverKubernetes(options)(testContext({ log }));
    running.push(resolver);
    await resolver.start?.(signal);
    return resolver;
  }

  async function found(
    resolver: Resolver,
    appId = "orders",
    namespace = "default",
  ): Promise<readonly string[] | string> {
    try {
      const endpoints = await resolver.resolve({ appId, namespace }, signal);
      return endpoints.map(({ host, port }) => `${host} ${port}`).sort();
    } catch (error) {
      return String(error);
    }
  }

  test("every address of the headless Service is an endpoint", async () => {
    await dns.serve({ [orders]: ["10.1.0.1", "10.1.0.2", "fd00::1"] });
    const resolver = await start();
    expect(await found(resolver)).toEqual(["10.1.0.1 50002", "10.1.0.2 50002", "fd00::1 50002"]);
    const one = await start({ port: 51_002 });
    expect(await found(one)).toContain("10.1.0.1 51002");
  });

  test("names of other namespaces, domains and templates are asked for", async () => {
    await dns.serve({
      "orders-dapr.shop.svc.cluster.local": ["10.1.1.1"],
      "orders-dapr.shop.svc.corp.example": ["10.1.1.2"],
      "shop--orders.corp.example": ["10.1.1.3"],
    });
    expect(await found(await start(), "orders", "shop")).toEqual(["10.1.1.1 50002"]);
    const other = await start({ clusterDomain: "corp.example" });
    expect(await found(other, "orders", "shop")).toEqual(["10.1.1.2 50002"]);
    const template =
      '{{/* ours */ -}} {{.Namespace}}{{ "--" }}{{ .ID }} {{- ".corp.example" -}} :{{.Port}}';
    const named = await start({ template, clusterDomain: "ignored.example" });
    expect(await found(named, "orders", "shop")).toEqual(["10.1.1.3 50002"]);
  });

  test("data of a request that never has any is printed as Go prints it", async () => {
    const resolver = await start({ template: "{{.ID}}.{{.Data.region}}.corp.example:1" });
    expect(await found(resolver)).toMatch(/orders\.<no value>\.corp\.example/);
  });

  test("an app without a Service is not found, in Dapr's words", async () => {
    await dns.serve({});
    const resolver = await start();
    const lookup = resolver.resolve({ appId: "orders", namespace: "default" }, signal);
    await expect(lookup).rejects.toMatchObject({
      code: "OTR_RESOLVE_NOT_FOUND",
      message: expect.stringMatching(`^failed to resolve address for '${orders}': `),
    });
    await dns.serve({ [orders]: ["10.1.2.1"] });
    expect(await found(resolver)).toEqual(["10.1.2.1 50002"]);
  });

  test("DNS ignores case, app ids do not", async () => {
    await dns.serve({ [orders]: ["10.1.3.1"] });
    expect(await found(await start(), "Orders")).toMatch(/no Service of Kubernetes/);
  });

  test("an answer is used for its time to live, and no longer than allowed", async () => {
    const clock = vi.spyOn(performance, "now");
    try {
      clock.mockReturnValue(1_000);
      await dns.serve({ [orders]: ["10.1.4.1"] }, 5);
      const short = await start();
      expect(await found(short)).toEqual(["10.1.4.1 50002"]);
      await dns.serve({ [orders]: ["10.1.4.2"] }, 3_600);
      clock.mockReturnValue(5_999);
      expect(await found(short)).toEqual(["10.1.4.1 50002"]);
      clock.mockReturnValue(6_001);
      expect(await found(short)).toEqual(["10.1.4.2 50002"]);
      await dns.serve({ [orders]: ["10.1.4.3"] }, 3_600);
      clock.mockReturnValue(26_000);
      expect(await found(short)).toEqual(["10.1.4.2 50002"]);
      clock.mockReturnValue(26_002);
      expect(await found(short)).toEqual(["10.1.4.3 50002"]);
    } finally {
      clock.mockRestore();
    }
  });

  test("calls go on while the DNS server is away, which is said once", async () => {
    await dns.serve({ [orders]: ["10.1.5.1"] });
    const resolver = await start({ lookupTimeoutMs: 300 });
    expect(await found(resolver)).toEqual(["10.1.5.1 50002"]);
    await dns.pause();
    for (let call = 0; call < 20; call++) {
      expect(await found(resolver)).toEqual(["10.1.5.1 50002"]);
    }
    expect(log.warnings()).toHaveLength(1);
    const unknown = resolver.resolve({ appId: "unknown", namespace: "default" }, signal);
    await expect(unknown).rejects.toMatchObject({ code: "OTR_RESOLVE_FAILED" });
    await dns.serve({ [orders]: ["10.1.5.2"] });
    await expect.poll(() => found(resolver), { timeout: 5_000 }).toEqual(["10.1.5.2 50002"]);
    expect(log.lines.at(-1)).toBe("info DNS answers again for orders");
  });

  test("auto without a cluster asks DNS, and says so", async () => {
    await dns.serve({ [orders]: ["10.1.6.1"] });
    const resolver = await start({ mode: "auto" });
    expect(log.lines).toEqual(["info app ids are resolved by the cluster's DNS"]);
    expect(await found(resolver)).toEqual(["10.1.6.1 50002"]);
  });
});
