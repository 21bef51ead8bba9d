import { testContext } from "@outrigger/conformance";
import type { Instance, Resolver } from "@outrigger/core";
import { type ResolverMdnsOptions, resolverMdns } from "@outrigger/resolver-mdns";
import type { Answer, DecodedPacket } from "dns-packet";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { freeUdpPort } from "./udp-port.ts";
import { daprAnswer, daprRecords, WirePeer } from "./wire-peer.ts";

const signal = new AbortController().signal;
let port: number;
let wire: WirePeer;
let resolver: Resolver;

beforeEach(async () => {
  port = await freeUdpPort();
  wire = await WirePeer.open(port);
  resolver = await start();
});

afterEach(async () => {
  await Promise.all([resolver.stop?.(), wire.close()]);
});

async function start(options: ResolverMdnsOptions = {}): Promise<Resolver> {
  const settings = { port, interfaces: ["127.0.0.1"], lookupTimeoutMs: 500, ...options };
  const started = resolverMdns(settings)(testContext());
  await started.start?.(signal);
  return started;
}

function instance(overrides: Partial<Instance> = {}): Instance {
  return {
    appId: "solo",
    namespace: "default",
    host: "127.0.0.1",
    internalPort: 50_101,
    httpPort: 3_500,
    appPort: 9_001,
    ...overrides,
  };
}

function allRecords(packet: DecodedPacket): readonly Answer[] {
  return [...(packet.answers ?? []), ...(packet.additionals ?? [])];
}

/** What Dapr's browser needs of one packet; it never joins records of several. */
function daprReading(packet: DecodedPacket, appId: string) {
  const records = allRecords(packet);
  const suffix = `.${appId}.local`;
  const srv = records.find((one) => one.type === "SRV" && one.name.endsWith(suffix));
  const txt = records.find((one) => one.type === "TXT" && one.name.endsWith(suffix));
  const ptr = records.find((one) => one.type === "PTR" && one.name === `${appId}.local`);
  if (srv?.type !== "SRV" || txt?.type !== "TXT" || ptr?.type !== "PTR") return undefined;
  const address = records.find((one) => one.type === "A" || one.type === "AAAA");
  if (address?.type !== "A" && address?.type !== "AAAA") return undefined;
  return {
    port: srv.data.port,
    txt: [txt.data].flat().map(String),
    address: address.data,
    sameInstance: srv.name === txt.name && ptr.data === srv.name,
    sameHost: address.name === srv.data.target,
    live: records.every((one) => "ttl" in one && (one.ttl ?? 0) > 0),
  };
}

const usable = {
  port: 50_101,
  txt: ["solo"],
  address: "127.0.0.1",
  sameInstance: true,
  sameHost: true,
  live: true,
};

async function resolved(appId: string, namespace = "default"): Promise<readonly string[]> {
  const endpoints = await resolver.resolve({ appId, namespace }, signal);
  return endpoints.map(({ host, port: endpointPort }) => `${host}:${endpointPort}`).sort();
}

/** Announces, and waits until the announcement has passed the wire. */
async function announced(): Promise<void> {
  await resolver.announce?.(instance(), signal);
  await wire.waitFor(({ packet }) => daprReading(packet, "solo") !== undefined);
  wire.heard.length = 0;
}

async function eventually<T>(observe: () => Promise<T>, expected: T): Promise<void> {
  await expect.poll(observe, { timeout: 3_000, interval: 10 }).toEqual(expected);
}

describe("announcing", () => {
  test("announces twice, everything in one packet, in the form that Dapr reads", async () => {
    const startedAt = performance.now();
    await resolver.announce?.(instance(), signal);

    const isAnnouncement = (packet: DecodedPacket) => daprReading(packet, "solo") !== undefined;
    const first = await wire.waitFor(({ packet }) => isAnnouncement(packet));
    expect(daprReading(first.packet, "solo")).toEqual(usable);
    await wire.waitFor((heard) => heard !== first && isAnnouncement(heard.packet));
    expect(performance.now() - startedAt).toBeGreaterThan(900);
  });

  test.for(["PTR", "A", "SRV"] as const)("answers a question of type %s", async (type) => {
    await announced();

    await wire.send({ type: "query", id: 7, questions: [{ name: "solo.local", type }] });

    const { packet } = await wire.waitFor((heard) => heard.packet.type === "response");
    expect(daprReading(packet, "solo")).toEqual(usable);
    expect(packet.flag_aa).toBe(true);
    expect(packet.answers?.[0]).toMatchObject({ type: "PTR", name: "solo.local" });
  });

  test("answers for the instance name and the list of services, not for other case", async () => {
    await resolver.announce?.(instance(), signal);
    const { packet } = await wire.waitFor(({ packet: one }) => one.type === "response");
    const name = allRecords(packet).find(({ type }) => type === "SRV")?.name ?? "";
    wire.heard.length = 0;

    await wire.send({ type: "query", questions: [{ name: "SOLO.local", type: "PTR" }] });
    await wire.send({ type: "query", questions: [{ name, type: "SRV" }] });
    const services = "_services._dns-sd._udp.local";
    await wire.send({ type: "query", questions: [{ name: services, type: "PTR" }] });

    await wire.waitFor(({ packet: one }) => one.type === "response" && one.answers?.length === 1);
    const responses = wire.heard.filter(({ packet: one }) => one.type === "response");
    expect(responses.map(({ packet: one }) => one.answers?.[0]?.name)).toEqual([name, services]);
  });

  test("answers a probe's question although it carries authority records", async () => {
    await announced();

    await wire.send({
      type: "query",
      questions: [{ name: "solo.local", type: "PTR" }],
      authorities: [{ type: "TXT", name: "x.solo.local", ttl: 1, data: ["solo"] }],
    });

    await wire.waitFor(({ packet }) => packet.type === "response");
  });

  test("answers an asker on another port directly, with its id and question", async () => {
    await resolver.announce?.(instance(), signal);
    const asker = await WirePeer.open(port, 0);
    try {
      const questions = [{ name: "solo.local", type: "PTR" as const }];
      await asker.send({ type: "query", id: 4_711, questions });

      const { packet } = await asker.waitFor((heard) => heard.packet.id === 4_711);
      expect(packet.questions?.[0]?.name).toBe("solo.local");
      expect(daprReading(packet, "solo")).toEqual(usable);
    } finally {
      await asker.close();
    }
  });

  test("says goodbye once, for its own names only, and answers no more", async () => {
    await announced();

    await resolver.withdraw?.();
    await resolver.stop?.();

    const { packet } = await wire.waitFor((heard) => heard.packet.type === "response");
    const records = allRecords(packet);
    expect(records.every((one) => "ttl" in one && one.ttl === 0)).toBe(true);
    expect(records.map(({ type }) => type)).toEqual(expect.arrayContaining(["SRV", "TXT", "PTR"]));
    // A marker of our own: whatever the resolver sent before it has arrived as well.
    await wire.send({ type: "query", questions: [{ name: "solo.local", type: "PTR" }] });
    await wire.waitFor((heard) => heard.packet.type === "query");
    const responses = wire.heard.filter((heard) => heard.packet.type === "response");
    expect(responses).toHaveLength(1);
  });

  test("gives each registration its own instance and host name", async () => {
    await resolver.announce?.(instance(), signal);
    await resolver.announce?.(instance({ internalPort: 50_102 }), signal);
    await wire.waitFor(({ packet }) => daprReading(packet, "solo")?.port === 50_102);

    const srvs = wire.heard.flatMap(({ packet }) =>
      allRecords(packet).filter((one) => one.type === "SRV"),
    );

    expect(new Set(srvs.map(({ name }) => name)).size).toBe(2);
    expect(new Set(srvs.map((one) => one.type === "SRV" && one.data.target)).size).toBe(2);
  });

  test.for([
    ["localhost", "127.0.0.1"],
    ["[::1]", "::1"],
    ["::ffff:10.0.0.7", "10.0.0.7"],
  ])("announces %s as %s", async ([host, address]) => {
    await resolver.announce?.(instance({ host: host as string }), signal);

    const { packet } = await wire.waitFor(
      (heard) => daprReading(heard.packet, "solo") !== undefined,
    );
    expect(daprReading(packet, "solo")?.address).toBe(address);
  });

  test.for([
    ["host", { host: "0.0.0.0" }],
    ["host", { host: "fe80::1%lo" }],
    ["host", { host: "no such host" }],
    ["appId", { appId: "x".repeat(64) }],
    ["internalPort", { internalPort: Number.NaN }],
  ] as const)("rejects a wrong %s: %o", async ([field, overrides]) => {
    await expect(resolver.announce?.(instance(overrides), signal)).rejects.toMatchObject({
      code: "OTR_OPTIONS_INVALID",
      message: expect.stringContaining(field),
    });
  });
});

describe("looking up", () => {
  const orders = { appId: "orders", host: "10.0.0.7", port: 50_002 };

  test("asks as Dapr does, several times, and fails with Dapr's words", async () => {
    const lookup = resolver.resolve({ appId: "nobody", namespace: "default" }, signal);

    await expect(lookup).rejects.toMatchObject({
      code: "OTR_RESOLVE_NOT_FOUND",
      message: "couldn't find service: nobody",
      details: { question: "nobody.local", asked: 3, interfaces: "lo (127.0.0.1)" },
    });
    const queries = wire.heard.filter(({ packet }) => packet.type === "query");
    expect(queries).toHaveLength(3);
    for (const { packet, from } of queries) {
      expect(from.port).toBe(port);
      expect(packet.questions).toMatchObject([{ name: "nobody.local", type: "PTR", class: "IN" }]);
    }
  });

  test("understands a recorded Dapr answer and a recorded Dapr announcement", async () => {
    wire.onQuestion = (name) => {
      if (name === "orders.local") void wire.send(daprAnswer(orders));
    };
    expect(await resolved("orders")).toEqual(["10.0.0.7:50002"]);

    const second = { ...orders, port: 50_003 };
    await wire.send({ type: "response", answers: daprRecords(second) });
    await eventually(() => resolved("orders"), ["10.0.0.7:50002", "10.0.0.7:50003"]);
  });

  test("pairs addresses within a packet: two Dapr sidecars share a host name", async () => {
    const other = { ...orders, host: "10.0.0.8", port: 50_003 };
    await wire.send({ type: "response", answers: daprRecords(orders) });
    await wire.send({ type: "response", answers: daprRecords(other) });

    await eventually(() => resolved("orders"), ["10.0.0.7:50002", "10.0.0.8:50003"]);
  });

  test("a first look-up gives all instances that answer, not only the fastest", async () => {
    wire.onQuestion = () => {
      for (const answered of [50_002, 50_003, 50_004]) {
        void wire.send(daprAnswer({ ...orders, port: answered }));
      }
    };

    expect(await resolved("orders")).toHaveLength(3);
  });

  test("an app that was only overheard is asked for when it is first used", async () => {
    await wire.send({ type: "response", answers: daprRecords(orders) });
    // Packets of one sender keep their order: when this app is known, the one before it is.
    await wire.send({
      type: "response",
      answers: daprRecords({ ...orders, appId: "later", port: 50_009 }),
    });
    await eventually(() => resolved("later"), ["10.0.0.7:50009"]);

    expect(await resolved("orders")).toEqual(["10.0.0.7:50002"]);
    await wire.waitFor(({ packet }) => packet.questions?.[0]?.name === "orders.local");
  });

  test("answers from memory ask nothing", async () => {
    await wire.send({ type: "response", answers: daprRecords(orders) });
    await eventually(() => resolved("orders"), ["10.0.0.7:50002"]);
    await wire.waitFor(({ packet }) => packet.type === "query");
    wire.heard.length = 0;

    for (let round = 0; round < 100; round++) await resolved("orders");

    expect(wire.heard.filter(({ packet }) => packet.type === "query")).toEqual([]);
  });

  test.for([
    ["PTR", ["PTR"]],
    ["SRV", ["SRV"]],
    ["TXT", ["TXT"]],
  ] as const)("a goodbye of the %s alone ends the instance", async ([, types]) => {
    await wire.send({ type: "response", answers: daprRecords(orders) });
    await eventually(() => resolved("orders"), ["10.0.0.7:50002"]);

    const goodbye = daprRecords(orders, 0).filter(({ type }) => types.some((one) => one === type));
    await wire.send({ type: "response", answers: goodbye });

    await eventually(() => resolved("orders").catch(() => []), []);
  });

  test("a goodbye of the address alone is ignored", async () => {
    await wire.send({ type: "response", answers: daprRecords(orders) });
    await eventually(() => resolved("orders"), ["10.0.0.7:50002"]);

    const address = daprRecords(orders, 0).filter(({ type }) => type === "A");
    await wire.send({ type: "response", answers: address });
    await wire.send({ type: "response", answers: daprRecords({ ...orders, port: 50_003 }) });

    await eventually(() => resolved("orders"), ["10.0.0.7:50002", "10.0.0.7:50003"]);
  });

  test.for([
    ["another app's TXT", ["x"]],
    ["no TXT", undefined],
  ] as const)("ignores an instance with %s", async ([, strings]) => {
    const name = "dapr-host:1.orders.local";
    const records = daprRecords({ ...orders, pid: 1 }).filter(({ type }) => type !== "TXT");
    if (strings !== undefined) records.push({ type: "TXT", name, ttl: 9, data: [...strings] });
    await wire.send({ type: "response", answers: records });

    await expect(resolved("orders")).rejects.toThrow("couldn't find service: orders");
  });

  test("ignores records in a query, and an app whose id only ends alike", async () => {
    await wire.send({ type: "query", questions: [], answers: daprRecords(orders) });
    await wire.send({ type: "response", answers: daprRecords({ ...orders, appId: "my-orders" }) });

    await expect(resolved("orders")).rejects.toThrow("couldn't find service: orders");
    expect(await resolved("my-orders")).toEqual(["10.0.0.7:50002"]);
  });

  test("an instance that states another namespace is left out; Dapr's states none", async () => {
    const withNamespace = daprRecords({ ...orders, port: 50_003 }).map(
      (one): Answer => (one.type === "TXT" ? { ...one, data: ["orders", "ns=prod"] } : one),
    );
    await wire.send({ type: "response", answers: daprRecords(orders) });
    await wire.send({ type: "response", answers: withNamespace });

    await eventually(() => resolved("orders", "prod"), ["10.0.0.7:50002", "10.0.0.7:50003"]);
    expect(await resolved("orders", "default")).toEqual(["10.0.0.7:50002"]);
  });

  test("an unreachable endpoint makes it ask again", async () => {
    await wire.send({ type: "response", answers: daprRecords(orders) });
    await eventually(() => resolved("orders"), ["10.0.0.7:50002"]);
    wire.heard.length = 0;

    const request = { appId: "orders", namespace: "default" };
    resolver.report?.(request, { host: "10.0.0.7", port: 50_002 }, "unreachable");

    await wire.waitFor(({ packet }) => packet.questions?.[0]?.name === "orders.local");
  });

  test("keeps apps in use when strangers flood the cache", async () => {
    await resolver.stop?.();
    resolver = await start({ maxApps: 8, maxInstancesPerApp: 4 });
    await wire.send({ type: "response", answers: daprRecords(orders) });
    await eventually(() => resolved("orders"), ["10.0.0.7:50002"]);

    for (let index = 0; index < 50; index++) {
      const stranger = { appId: `stranger-${index}`, host: "10.1.0.1", port: 1_000 + index };
      await wire.send({ type: "response", answers: daprRecords(stranger) });
      const sibling = { ...orders, host: "10.2.0.1", port: 1_000 + index };
      await wire.send({ type: "response", answers: daprRecords(sibling) });
    }

    await eventually(async () => (await resolved("orders")).length, 4);
    expect(await resolved("orders")).toContain("10.0.0.7:50002");
  });

  test("without an interface it fails at once and says so", async () => {
    await resolver.stop?.();
    resolver = await start({ interfaces: ["none"] });

    const startedAt = performance.now();
    await expect(resolved("orders")).rejects.toMatchObject({ code: "OTR_RESOLVE_FAILED" });
    await expect(resolver.announce?.(instance(), signal)).rejects.toMatchObject({
      code: "OTR_RESOLVE_FAILED",
    });
    expect(performance.now() - startedAt).toBeLessThan(400);
  });

  test("needs to be started", async () => {
    const fresh = resolverMdns({ port })(testContext());

    await expect(
      fresh.resolve({ appId: "orders", namespace: "default" }, signal),
    ).rejects.toMatchObject({ code: "OTR_NOT_STARTED" });
  });
});
