import { type Endpoint, type InvokeRequest, roundRobin } from "@outrigger/core";
import { expect, test } from "vitest";

const endpoints: readonly Endpoint[] = [1, 2, 3].map((port) => ({ host: "10.0.0.1", port }));
const call = {} as InvokeRequest; // Round robin does not look at the call.

function counts(picks: readonly Endpoint[]): readonly number[] {
  return endpoints.map(({ port }) => picks.filter((pick) => pick.port === port).length);
}

test("shares are exact over a full round", () => {
  const balancer = roundRobin();
  const target = { appId: "orders", namespace: "default" };
  const picks = Array.from({ length: 300 }, () => balancer.pick(target, endpoints, [], call));
  expect(counts(picks)).toEqual([100, 100, 100]);
});

test("interleaved targets do not disturb each other's turn", () => {
  const balancer = roundRobin();
  const a = { appId: "a", namespace: "default" };
  const b = { appId: "b", namespace: "default" };
  const picks: Endpoint[] = [];
  for (let index = 0; index < 30; index++) {
    picks.push(balancer.pick(a, endpoints, [], call));
    balancer.pick(b, endpoints, [], call);
  }
  expect(counts(picks)).toEqual([10, 10, 10]);
});

test("a tried endpoint is avoided while another one is left", () => {
  const balancer = roundRobin();
  const target = { appId: "orders", namespace: "default" };
  for (let index = 0; index < 6; index++) {
    const pick = balancer.pick(target, endpoints, [endpoints[0] as Endpoint], call);
    expect(pick.port).not.toBe(1);
  }
});

test("with every endpoint tried, one is picked all the same", () => {
  const pick = roundRobin().pick({ appId: "a", namespace: "b" }, endpoints, endpoints, call);
  expect(endpoints).toContain(pick);
});
