import { type BalancerSnapshot, type Endpoint, roundRobin } from "@outrigger/core";
import { expect, test } from "vitest";

const endpoints: readonly Endpoint[] = [1, 2, 3].map((port) => ({ host: "10.0.0.1", port }));
const call = { method: "m", metadata: [] };

function snapshot(turn: number): BalancerSnapshot {
  const target = { appId: "orders", namespace: "default" };
  return { target, endpoints, turn, inFlight: () => 0 };
}

test("round robin takes each endpoint in its turn", () => {
  const balancer = roundRobin();
  const ports = [0, 1, 2, 3, 4].map((turn) => balancer.select(snapshot(turn), call).port);
  expect(ports).toEqual([1, 2, 3, 1, 2]);
});

test("round robin keeps no state of its own", () => {
  const balancer = roundRobin();
  expect(balancer.select(snapshot(7), call)).toBe(balancer.select(snapshot(7), call));
});
