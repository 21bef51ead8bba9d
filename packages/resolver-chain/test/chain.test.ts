import { testContext } from "@outrigger/conformance";
import {
  type ComponentFactory,
  type Instance,
  type Logger,
  OutriggerError,
  type Resolver,
} from "@outrigger/core";
import { type ResolverChainOptions, resolverChain } from "@outrigger/resolver-chain";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { MemoryRegistry } from "./memory-registry.ts";

const { signal } = new AbortController();
const orders = { appId: "orders", namespace: "default" };

let one: MemoryRegistry;
let two: MemoryRegistry;
let log: string[];
beforeEach(() => {
  [one, two, log] = [new MemoryRegistry(), new MemoryRegistry(), []];
});
afterEach(() => vi.useRealTimers());

function instance(appId: string, internalPort: number): Instance {
  return {
    ...{ appId, namespace: "default", host: "127.0.0.1", internalPort },
    ...{ httpPort: 0, appPort: 0 },
  };
}

async function start(options: Partial<ResolverChainOptions> = {}) {
  const logger: Logger = {
    log: (level, message) => void log.push(`${level}: ${message}`),
    enabled: () => true,
    scope: () => logger,
  };
  const members = [
    { name: "one", resolver: one.resolver, timeoutMs: 300 },
    { name: "two", resolver: two.resolver, timeoutMs: 300 },
  ];
  const chain = resolverChain({ members, ...options })(testContext({ log: logger }));
  await chain.start?.(signal);
  return {
    chain,
    portsOf: async (appId: string) => {
      const found = await chain.resolve({ appId, namespace: "default" }, signal);
      return found.map(({ port }) => port);
    },
  };
}

const down = (text = "connection refused") =>
  new OutriggerError(text, { code: "OTR_RESOLVE_FAILED" });

test("first: the order decides, and later members are not asked", async () => {
  one.instances.add(instance("orders", 1));
  two.instances.add(instance("orders", 2));
  const { portsOf } = await start();

  expect(await portsOf("orders")).toEqual([1]);
  expect(two.queries).toBe(0);
});

test("first: goes on to the next member when everything that one knows has just failed", async () => {
  one.instances.add(instance("orders", 1));
  two.instances.add(instance("orders", 2));
  const { chain, portsOf } = await start();

  chain.report?.(orders, { host: "127.0.0.1", port: 1 }, "unreachable");
  expect(await portsOf("orders")).toEqual([2]);
  chain.report?.(orders, { host: "127.0.0.1", port: 2 }, "unreachable");
  expect(await portsOf("orders")).toEqual([1]);
  chain.report?.(orders, { host: "127.0.0.1", port: 1 }, "reached");
  expect(await portsOf("orders")).toEqual([1]);
});

test("merged: all that is known is used, each address once", async () => {
  for (const port of [1, 2]) one.instances.add(instance("orders", port));
  for (const port of [2, 3]) two.instances.add(instance("orders", port));
  const { portsOf } = await start({ mode: "merged" });

  expect(await portsOf("orders")).toEqual([1, 2, 3]);
});

test("merged: who is slow holds up one call for a moment, and counts from the next one on", async () => {
  one.instances.add(instance("orders", 1));
  two.instances.add(instance("orders", 2));
  two.delayMs = 100;
  const { portsOf } = await start({ mode: "merged", settleMs: 10 });

  expect(await portsOf("orders")).toEqual([1]);
  const startedAt = performance.now();
  for (let call = 0; call < 5; call++) expect(await portsOf("orders")).toEqual([1]);
  expect(performance.now() - startedAt).toBeLessThan(50);
  await vi.waitFor(async () => expect(await portsOf("orders")).toEqual([1, 2]));
  // The answer stands in while the next question is under way.
  for (let call = 0; call < 20; call++) expect(await portsOf("orders")).toEqual([1, 2]);
});

test.for(["first", "merged"] as const)(
  "%s: a member that does not know the app is not waited for again, and asked now and then",
  async (mode) => {
    one.delayMs = 40;
    two.instances.add(instance("orders", 2));
    const { portsOf } = await start({ mode, recheckMs: 60 });

    expect(await portsOf("orders")).toEqual([2]);
    const startedAt = performance.now();
    for (let call = 0; call < 10; call++) expect(await portsOf("orders")).toEqual([2]);
    expect(performance.now() - startedAt).toBeLessThan(40);
    one.instances.add(instance("orders", 1));
    await vi.waitFor(async () => expect(await portsOf("orders")).toContain(1), { timeout: 2_000 });
    expect(one.queries).toBeLessThan(40);
  },
);

test("what a member does not know is a warning only while nobody else knows it", async () => {
  two.instances.add(instance("orders", 2));
  const { portsOf } = await start({ mode: "merged", recheckMs: 1 });
  await portsOf("orders");
  const before = log.filter((line) => line === "warn: nobody answered for orders").length;
  const asked = one.queries;

  await vi.waitFor(async () => {
    await portsOf("orders");
    expect(one.queries).toBeGreaterThan(asked + 5);
  });

  expect(log.filter((line) => line === "warn: nobody answered for orders")).toHaveLength(before);
  expect(log).toContain("debug: nobody answered for orders");
  await portsOf("nobody").catch(() => undefined);
  expect(log).toContain("warn: nobody answered for nobody");
});

test("a member that hangs does not keep others from answering", async () => {
  one.delayMs = 60_000;
  two.instances.add(instance("orders", 2));
  const { portsOf } = await start();

  expect(await portsOf("orders")).toEqual([2]);
  const { portsOf: merged } = await start({ mode: "merged" });
  expect(await merged("orders")).toEqual([2]);
});

test("nobody knows the app: Dapr's words first, then what each member said unless it is the same", async () => {
  const { portsOf } = await start();

  await expect(portsOf("orders")).rejects.toMatchObject({
    code: "OTR_RESOLVE_NOT_FOUND",
    message: "couldn't find service: orders",
  });
  two.failure = down();
  await expect(portsOf("orders")).rejects.toMatchObject({
    code: "OTR_RESOLVE_FAILED",
    message: "couldn't find service: orders (one: not found; two: connection refused)",
  });
});

test("start and announce succeed when one member does; the others follow in the background", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  two.failure = down();
  const { chain } = await start();
  await chain.announce?.(instance("orders", 1), signal);

  expect([...one.instances]).toHaveLength(1);
  expect(two.instances.size).toBe(0);
  expect(log.join()).toContain("name resolver two of the chain failed to start");
  two.failure = undefined;
  await vi.advanceTimersByTimeAsync(1_000);
  expect(two.instances.size).toBe(1);
  expect(log.join()).toContain("name resolver two of the chain has caught up");

  await chain.withdraw?.();
  expect([one.instances.size, two.instances.size]).toEqual([0, 0]);
});

test("what was withdrawn is not announced later", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const { chain } = await start();
  two.failure = down();
  await chain.announce?.(instance("orders", 1), signal);
  await chain.withdraw?.();

  two.failure = undefined;
  await vi.advanceTimersByTimeAsync(120_000);

  expect(two.instances.size).toBe(0);
});

test("start and announce fail, naming all, when no member succeeds", async () => {
  one.failure = down("one is away");
  two.failure = down("two is away");
  await expect(start()).rejects.toThrow(
    "no name resolver of the chain could start (one: one is away; two: two is away)",
  );

  one.failure = undefined;
  const { chain } = await start();
  one.failure = down("one is away");
  await expect(chain.announce?.(instance("orders", 1), signal)).rejects.toThrow(
    /could announce this sidecar \(one: one is away; two: two is away\)/,
  );
});

test("feedback reaches every member", async () => {
  const { chain } = await start();

  chain.report?.(orders, { host: "127.0.0.1", port: 1 }, "unreachable");

  expect([one.reports, two.reports]).toEqual([["1 unreachable"], ["1 unreachable"]]);
});

test("a member that breaks the contract does no harm to the others", async () => {
  two.instances.add(instance("orders", 2));
  const broken: ComponentFactory<Resolver> = () => {
    const fail = () => {
      throw new TypeError("boom");
    };
    const features = { announces: true, namespaces: true, expires: true, watches: false };
    const methods = { announce: fail, withdraw: fail, report: fail };
    return { name: "broken", features, resolve: fail, ...methods };
  };
  const silent: ComponentFactory<Resolver> = (context) => ({
    ...broken(context),
    resolve: async () => JSON.parse("null"),
  });
  const { chain, portsOf } = await start({
    mode: "merged",
    members: [
      { name: "broken", resolver: broken },
      { name: "silent", resolver: silent },
      { name: "two", resolver: two.resolver },
    ],
  });

  await chain.announce?.(instance("orders", 3), signal);
  chain.report?.(orders, { host: "127.0.0.1", port: 9 }, "unreachable");
  expect(await portsOf("orders")).toEqual([2, 3]);
  await expect(portsOf("nobody")).rejects.toThrow(
    "(broken: boom; silent: it answered with something that is no list; two: not found)",
  );
  await chain.withdraw?.();
  expect(two.instances.size).toBe(1);
  await chain.stop?.();
});

test("an address that changed hands belongs to the app that got it last, and the log says so", async () => {
  const stale = instance("orders", 1);
  one.instances.add(stale);
  const { portsOf } = await start({ mode: "merged", recheckMs: 1 });
  expect(await portsOf("orders")).toEqual([1]);
  two.instances.add(instance("billing", 2));
  expect(await portsOf("billing")).toEqual([2]);

  // The sidecar of orders has ended, one registry is late; its port is taken by billing.
  two.instances.add(instance("billing", 1));
  await vi.waitFor(async () => expect(await portsOf("billing")).toEqual([2, 1]));

  await vi.waitFor(() =>
    expect(portsOf("orders")).rejects.toMatchObject({ code: "OTR_RESOLVE_NOT_FOUND" }),
  );
  expect(log.filter((line) => line.includes("127.0.0.1:1"))).toEqual([
    "warn: name resolution: 127.0.0.1:1 is reported for default/billing and for default/orders; used for default/billing, which got it last",
  ]);
});

test("where nothing tells who got an address last, both keep it", async () => {
  one.instances.add(instance("orders", 1));
  two.instances.add(instance("billing", 1));
  const { portsOf } = await start({ mode: "merged" });

  expect(await portsOf("orders")).toEqual([1]);
  expect(await portsOf("billing")).toEqual([1]);
  expect(await portsOf("orders")).toEqual([1]);
  expect(log.filter((line) => line.includes("127.0.0.1:1"))).toHaveLength(1);
});
