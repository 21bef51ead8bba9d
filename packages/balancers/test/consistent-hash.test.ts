import { consistentHash } from "@outrigger/balancers";
import type { Endpoint } from "@outrigger/core";
import { expect, test } from "vitest";
import { hosts, shares, snapshot } from "./fixture.ts";

const balancer = consistentHash({ header: "X-User" });
const keys = Array.from({ length: 1_000 }, (_, index) => `user-${index}`);

function choose(endpoints: readonly Endpoint[], key: string, name = "x-user", turn = 0): Endpoint {
  return balancer.select(snapshot(endpoints, turn), { method: "m", metadata: [name, key] });
}

test("a removed instance moves its own keys and no others", () => {
  const before = hosts(10);
  for (const gone of before) {
    const after = before.filter((endpoint) => endpoint !== gone);
    for (const key of keys) {
      const first = choose(before, key);
      if (first !== gone) expect(choose(after, key)).toBe(first);
      else expect(after).toContain(choose(after, key));
    }
  }
});

test("the keys of a removed instance spread over all that are left", () => {
  const before = hosts(10);
  const [gone, ...after] = before;
  const moved = keys.filter((key) => choose(before, key) === gone);
  expect(new Set(moved.map((key) => choose(after, key))).size).toBe(9);
});

test("a new instance takes its share and leaves the rest where they were", () => {
  const before = hosts(9);
  const joined: Endpoint = { host: "10.0.0.200", port: 50_002 };
  const moved = keys.filter((key) => {
    const now = choose([joined, ...before], key);
    expect([joined, choose(before, key)]).toContain(now);
    return now === joined;
  });
  expect(moved.length).toBeGreaterThan(50);
  expect(moved.length).toBeLessThan(150);
});

test.each([
  ["hosts that differ in a digit", hosts(10)],
  ["ports of one host", hosts(10).map((_, index) => ({ host: "127.0.0.1", port: 50_000 + index }))],
  ["names", hosts(10).map((_, index) => ({ host: `orders-${index}.orders.svc`, port: 50_002 }))],
  ["IPv6", hosts(10).map((_, index) => ({ host: `fd00::${index}`, port: 50_002 }))],
])("spreads keys evenly over %s", (_, endpoints) => {
  const counts = endpoints.map(
    (endpoint) => keys.filter((key) => choose(endpoints, key) === endpoint).length,
  );
  // 100 expected with a standard deviation of 9.5.
  expect(Math.min(...counts)).toBeGreaterThan(60);
  expect(Math.max(...counts)).toBeLessThan(140);
});

test("neither the order of the endpoints nor the turn counts", () => {
  const endpoints = hosts(10);
  const reversed = endpoints.toReversed();
  for (const key of keys) {
    expect(choose(reversed, key, "x-user", 7)).toBe(choose(endpoints, key));
  }
});

test("another balancer object, as in another sidecar, chooses the same", () => {
  const other = consistentHash({ header: "x-user" });
  const endpoints = hosts(5);
  for (const key of keys) {
    const call = { method: "m", metadata: ["x-user", key] };
    expect(other.select(snapshot(endpoints), call)).toBe(choose(endpoints, key));
  }
});

test("names of HTTP and of gRPC are the same header", () => {
  const endpoints = hosts(10);
  expect(choose(endpoints, "a", "X-User")).toBe(choose(endpoints, "a", "x-user"));
});

test("calls without the header, or with an empty one, take turns", () => {
  expect(shares(balancer, hosts(4), 400)).toEqual([100, 100, 100, 100]);
  const [, second] = hosts(2);
  expect(choose(hosts(2), "", "x-user", 1)).toEqual(second);
});

test("bytes beyond ASCII and long values are keys like others", () => {
  const endpoints = hosts(10);
  const chosen = new Set(
    keys.map((key) => choose(endpoints, `\u00e9\u00ff${"x".repeat(500)}${key}`)),
  );
  expect(chosen.size).toBe(10);
});

test.each([
  [{}, "consistent-hash: header: must be the name of a header or gRPC metadata key (got nothing)"],
  [
    { header: "a b" },
    'consistent-hash: header: must be the name of a header or gRPC metadata key (got "a b")',
  ],
  [{ header: "a", heder: 1 }, "consistent-hash: heder: is no option here; allowed: header (got 1)"],
])("refuses the options %j", (options, message) => {
  expect(() => consistentHash(options as { header: string })).toThrow(message);
});
