import { consistentHash, leastRequest, zoneAware } from "@outrigger/balancers";
import type { Balancer, Endpoint } from "@outrigger/core";
import { expect, test } from "vitest";
import { hosts, shares, snapshot } from "./fixture.ts";

const balancer = zoneAware({ zone: "a" });

/** `counts` endpoints in zones a, b, c, ... */
function zones(...counts: readonly number[]): Endpoint[] {
  return counts.flatMap((count, index) =>
    hosts(count, "abc"[index]).map((endpoint) => ({ ...endpoint, port: 1_000 + index })),
  );
}

function perZone(endpoints: readonly Endpoint[], turns: number, chooser: Balancer = balancer) {
  const counts: Record<string, number> = {};
  shares(chooser, endpoints, turns).forEach((count, index) => {
    const zone = endpoints[index]?.zone ?? "none";
    counts[zone] = (counts[zone] ?? 0) + count;
  });
  return counts;
}

test.each([
  ["as many as the others", zones(2, 2, 2)],
  ["more than the others", zones(5, 1)],
])("calls stay in a zone with %s", (_, endpoints) => {
  expect(perZone(endpoints, 120)).toMatchObject({ a: 120, b: 0 });
});

test("calls are shared exactly within the zone", () => {
  expect(shares(balancer, zones(3, 3), 300)).toEqual([100, 100, 100, 0, 0, 0]);
});

test.each([
  [zones(1, 4, 4), { a: 30, b: 30, c: 30 }],
  [zones(1, 3), { a: 45, b: 45 }],
  [zones(2, 4, 3), { a: 60, b: 17, c: 13 }],
])("a zone with too few keeps its part: %#", (endpoints, expected) => {
  const counts = perZone(endpoints, 90);
  expect(counts.a).toBe(expected.a);
  // Over the others in turn, so within one call per endpoint.
  expect(Math.abs((counts.b ?? 0) - expected.b)).toBeLessThanOrEqual(4);
});

test("endpoints of one side differ by at most one call while calls spill over", () => {
  const [own, ...others] = shares(balancer, zones(1, 4, 4), 100);
  expect(own).toBe(33);
  expect(Math.max(...others) - Math.min(...others)).toBeLessThanOrEqual(1);
});

test("callers in every zone together load no endpoint of a small zone beyond its share", () => {
  const endpoints = zones(1, 4, 4);
  const total = endpoints.map(() => 0);
  for (const zone of ["a", "b", "c"]) {
    shares(zoneAware({ zone }), endpoints, 900).forEach((count, index) => {
      total[index] = (total[index] ?? 0) + count;
    });
  }
  expect(total[0]).toBeLessThanOrEqual(2_700 / 9);
});

test("without an endpoint in the own zone, or in any, all endpoints count", () => {
  expect(shares(zoneAware({ zone: "elsewhere" }), zones(2, 2), 40)).toEqual([10, 10, 10, 10]);
  expect(shares(balancer, hosts(4), 40)).toEqual([10, 10, 10, 10]);
});

test("stays exact after many turns", () => {
  const endpoints = zones(1, 4, 4);
  const start = Number.MAX_SAFE_INTEGER - 1_000;
  let stayed = 0;
  for (let turn = start; turn < start + 900; turn++) {
    const chosen = balancer.select(snapshot(endpoints, turn), { method: "m", metadata: [] });
    if (chosen.zone === "a") stayed += 1;
  }
  expect(stayed).toBe(300);
});

test("the inner balancer chooses within the zone, and its calls are counted", () => {
  const endpoints = zones(3, 3);
  const inner = zoneAware({ zone: "a", within: leastRequest() });
  const inFlight = (endpoint: Endpoint) => (endpoint === endpoints[2] ? 0 : 1);
  expect(inner.countsCalls).toBe(true);
  expect(balancer.countsCalls).toBe(false);
  expect(shares(inner, endpoints, 10, inFlight)).toEqual([0, 0, 10, 0, 0, 0]);
});

test("a key stays with one endpoint of the zone", () => {
  const inner = zoneAware({ zone: "a", within: consistentHash({ header: "x-user" }) });
  const call = { method: "m", metadata: ["x-user", "4711"] };
  const chosen = [0, 1, 2, 3].map((turn) => inner.select(snapshot(zones(3, 3), turn), call));
  expect(new Set(chosen.map(({ host, zone }) => `${zone}/${host}`)).size).toBe(1);
  expect(chosen[0]?.zone).toBe("a");
});

test.each([
  [{}, "zone-aware: zone: must be the name of this sidecar's zone (got nothing)"],
  [{ zone: "" }, "zone-aware: zone: must be the name of this sidecar's zone"],
  [{ zone: "a", within: "round-robin" }, "zone-aware: within: must be a balancer"],
])("refuses the options %j", (options, message) => {
  expect(() => zoneAware(options as { zone: string })).toThrow(message);
});
