import { expect, test } from "vitest";
import { failed, PolicyBench } from "./policy-call.ts";

function bounded(ratio: number, minPerSecond: number): PolicyBench {
  return new PolicyBench({
    retries: { r: { durationMs: 0, maxRetries: 3 } },
    apps: { orders: { retry: "r" }, other: { retry: "r" } },
    retryBudget: { ratio, minPerSecond },
  });
}

async function failingCalls(bench: PolicyBench, count: number, target = "orders"): Promise<number> {
  const before = bench.attempts.length;
  for (let index = 0; index < count; index++) {
    const call = bench.call(() => failed(503), { target });
    await bench.clock.advance(0);
    await call;
  }
  return bench.attempts.length - before;
}

test("retries stay in proportion to calls once the reserve is spent", async () => {
  const bench = bounded(0.2, 0);
  await failingCalls(bench, 10);
  expect(await failingCalls(bench, 50)).toBe(60);
});

test("a few retries per second are always there", async () => {
  const bench = bounded(0, 1);
  // Ten seconds' worth is saved up.
  expect(await failingCalls(bench, 20)).toBe(30);
  await bench.clock.advance(2_000);
  expect(await failingCalls(bench, 20)).toBe(22);
});

test("each target has its own budget, and the last answer is delivered", async () => {
  const bench = bounded(0, 0.1);
  expect(await failingCalls(bench, 1)).toBe(2);
  expect(await failingCalls(bench, 1)).toBe(1);
  expect(await failingCalls(bench, 1, "other")).toBe(2);
  expect(await bench.call(() => failed(503))).toBe("failed 503");
});
