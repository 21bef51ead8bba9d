import { leastRequest } from "@outrigger/balancers";
import type { Endpoint } from "@outrigger/core";
import { expect, test } from "vitest";
import { hosts, shares, snapshot } from "./fixture.ts";

const call = { method: "m", metadata: [] };

test("chooses the endpoint with the fewest calls under way", () => {
  const endpoints = hosts(3);
  const busy = [4, 1, 2];
  const inFlight = (endpoint: Endpoint) => busy[endpoints.indexOf(endpoint)] ?? 0;
  for (const turn of [0, 1, 2, 3]) {
    expect(leastRequest().select(snapshot(endpoints, turn, inFlight), call)).toBe(endpoints[1]);
  }
});

test("idle endpoints take exact turns", () => {
  expect(shares(leastRequest(), hosts(4), 400)).toEqual([100, 100, 100, 100]);
});

test("those equally busy take exact turns, wherever the busy ones stand", () => {
  const endpoints = hosts(4);
  const inFlight = (endpoint: Endpoint) => (endpoint === endpoints[1] ? 3 : 2);
  expect(shares(leastRequest(), endpoints, 300, inFlight)).toEqual([100, 0, 100, 100]);
});

test("asks the runtime to count, and keeps no state of its own", () => {
  const balancer = leastRequest();
  expect(balancer).toMatchObject({ name: "least-request", countsCalls: true });
  const again = [0, 0, 0].map(() => balancer.select(snapshot(hosts(3), 1), call).host);
  expect(again).toEqual(["10.0.0.2", "10.0.0.2", "10.0.0.2"]);
});
