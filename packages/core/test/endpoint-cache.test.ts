import { type Endpoint, EndpointCache, OutriggerError, type ResolveRequest } from "@outrigger/core";
import { expect, test, vi } from "vitest";

const orders: ResolveRequest = { appId: "orders", namespace: "default" };
const one: readonly Endpoint[] = [{ host: "10.0.0.1", port: 1 }];
const two: readonly Endpoint[] = [{ host: "10.0.0.2", port: 2 }];
const live = new AbortController().signal;
const down = () => new OutriggerError("connection refused", { code: "OTR_RESOLVE_FAILED" });
const unknown = () => new OutriggerError("no such app", { code: "OTR_RESOLVE_NOT_FOUND" });

function cacheWith(lookup: () => Promise<readonly Endpoint[]>, more: object = {}) {
  const clock = { now: 0 };
  const asked = vi.fn((_request: ResolveRequest, _signal: AbortSignal) => lookup());
  const onStale = vi.fn();
  const onRecovered = vi.fn();
  const settings = { lookup: asked, now: () => clock.now, freshMs: 100, onStale, onRecovered };
  return { cache: new EndpointCache({ ...settings, ...more }), clock, asked, onStale, onRecovered };
}

test("an answer is used while it is fresh, and asked for again when it is not", async () => {
  const answers = [one, two];
  const { cache, clock, asked } = cacheWith(async () => answers.shift() ?? []);
  expect(await cache.get(orders, live)).toBe(one);
  clock.now = 99;
  expect(await cache.get(orders, live)).toBe(one);
  clock.now = 100;
  expect(await cache.get(orders, live)).toBe(two);
  expect(asked).toHaveBeenCalledTimes(2);
});

test("an answer that says how long it is good is used that long", async () => {
  const answers = [one, two];
  const freshMsOf = (endpoints: readonly Endpoint[]) => (endpoints === one ? 10 : 1_000);
  const { cache, clock, asked } = cacheWith(async () => answers.shift() ?? [], { freshMsOf });
  expect(await cache.get(orders, live)).toBe(one);
  clock.now = 10;
  expect(await cache.get(orders, live)).toBe(two);
  clock.now = 1_009;
  expect(await cache.get(orders, live)).toBe(two);
  expect(asked).toHaveBeenCalledTimes(2);
});

test("everybody who waits shares one look-up", async () => {
  const { cache, asked } = cacheWith(async () => one);
  const all = await Promise.all(Array.from({ length: 100 }, () => cache.get(orders, live)));
  expect(all.every((endpoints) => endpoints === one)).toBe(true);
  expect(asked).toHaveBeenCalledTimes(1);
});

test("one caller's abort is its own", async () => {
  let answer: (_: readonly Endpoint[]) => void = () => undefined;
  const pending = new Promise<readonly Endpoint[]>((resolve) => {
    answer = resolve;
  });
  const { cache } = cacheWith(() => pending);
  const abort = new AbortController();
  const leaving = cache.get(orders, abort.signal);
  const staying = cache.get(orders, live);
  abort.abort(new Error("left"));
  await expect(leaving).rejects.toThrow("left");
  answer(one);
  expect(await staying).toBe(one);
});

test("a failure is not remembered", async () => {
  const answers = [() => Promise.reject(unknown()), async () => one];
  const { cache } = cacheWith(() => (answers.shift() as () => Promise<readonly Endpoint[]>)());
  await expect(cache.get(orders, live)).rejects.toThrow("no such app");
  expect(await cache.get(orders, live)).toBe(one);
});

test("the last answer serves while the registry is away, is told once, and ends with it", async () => {
  let away = false;
  const { cache, clock, asked, onStale, onRecovered } = cacheWith(async () => {
    if (away) throw down();
    return one;
  });
  await cache.get(orders, live);
  away = true;
  clock.now = 100;
  expect(await cache.get(orders, live)).toBe(one);
  clock.now = 1_099;
  expect(await cache.get(orders, live)).toBe(one);
  expect(asked).toHaveBeenCalledTimes(2); // Not asked again within retryAfterMs.
  clock.now = 1_100;
  expect(await cache.get(orders, live)).toBe(one);
  expect(asked).toHaveBeenCalledTimes(3);
  expect(onStale).toHaveBeenCalledTimes(1);
  away = false;
  clock.now = 2_100;
  expect(await cache.get(orders, live)).toBe(one);
  expect(onRecovered).toHaveBeenCalledExactlyOnceWith(orders);
});

test("the last answer does not serve for ever", async () => {
  let away = false;
  const { cache, clock } = cacheWith(
    async () => {
      if (away) throw down();
      return one;
    },
    { keepMs: 5_000 },
  );
  await cache.get(orders, live);
  away = true;
  clock.now = 5_001;
  await expect(cache.get(orders, live)).rejects.toThrow("connection refused");
  expect(cache.size).toBe(0);
});

test("an app that is gone is not served from memory", async () => {
  const answers = [async () => one, () => Promise.reject(unknown())];
  const { cache, clock } = cacheWith(() =>
    (answers.shift() as () => Promise<readonly Endpoint[]>)(),
  );
  await cache.get(orders, live);
  clock.now = 100;
  await expect(cache.get(orders, live)).rejects.toThrow("no such app");
  expect(cache.size).toBe(0);
});

test("a registry that does not answer is given up on in time, and its look-up is told", async () => {
  let seen: AbortSignal = live;
  const lookup = (_request: ResolveRequest, signal: AbortSignal) => {
    seen = signal;
    return new Promise<readonly Endpoint[]>(() => undefined);
  };
  const cache = new EndpointCache({ lookup, now: () => 0, freshMs: 1, lookupTimeoutMs: 20 });
  await expect(cache.get(orders, live)).rejects.toThrow("no answer within 20 ms for app id orders");
  expect(seen.aborted).toBe(true);
});

test("what a watch puts in is used, taken back, and expires on demand", async () => {
  const { cache, clock, asked } = cacheWith(async () => two);
  cache.put(orders, one, Number.POSITIVE_INFINITY);
  clock.now = 1e9;
  expect(await cache.get(orders, live)).toBe(one);
  cache.expire(orders);
  expect(await cache.get(orders, live)).toBe(two);
  cache.put(orders, []);
  expect(cache.size).toBe(0);
  cache.put(orders, one, Number.POSITIVE_INFINITY);
  cache.expireAll();
  expect(await cache.get(orders, live)).toBe(two);
  expect(asked).toHaveBeenCalledTimes(2);
});

test("memory is bounded: the oldest answer goes", async () => {
  const { cache } = cacheWith(async () => one, { maxApps: 3 });
  for (const appId of ["a", "b", "c", "d"]) {
    await cache.get({ appId, namespace: "default" }, live);
  }
  expect(cache.size).toBe(3);
});

test("closing ends every look-up and keeps nothing", async () => {
  const { cache } = cacheWith(() => new Promise(() => undefined));
  const waiting = cache.get(orders, live);
  cache.close(new OutriggerError("stopped", { code: "OTR_STOPPED" }));
  await expect(waiting).rejects.toThrow("stopped");
  cache.put(orders, one);
  expect(cache.size).toBe(0);
});
