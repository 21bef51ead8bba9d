import { isOutriggerError } from "@outrigger/core";
import { resiliency } from "@outrigger/resiliency";
import { expect, test } from "vitest";
import { failed, PolicyBench } from "./policy-call.ts";

test("an entry of its own keeps every default away", async () => {
  const bench = new PolicyBench({
    retries: { DefaultAppRetryPolicy: { durationMs: 10, maxRetries: 1 } },
    apps: { orders: {} },
  });
  expect(bench.policy("orders")).toBeUndefined();
  expect(bench.component.hasTarget("orders")).toBe(true);
  expect(bench.policy("other")?.retries).toBe(true);
  expect(bench.policy("orders.prod")?.retries).toBe(true);
  expect(bench.component.hasTarget("other")).toBe(false);
});

test("defaults for apps come before general ones, each kind by itself", async () => {
  const bench = new PolicyBench({
    retries: {
      DefaultAppRetryPolicy: { durationMs: 10, maxRetries: 1 },
      DefaultRetryPolicy: { durationMs: 10, maxRetries: 5 },
    },
    circuitBreakers: { DefaultCircuitBreakerPolicy: { trip: "totalFailures > 9" } },
  });
  const call = bench.call(() => failed(500));
  await bench.clock.advance(1_000);
  await call;
  expect(bench.attempts).toHaveLength(2);
  expect(bench.events.filter(({ type }) => type === "lookup")).toEqual([
    { type: "lookup", target: "orders", policy: "retry" },
    { type: "lookup", target: "orders", policy: "circuitbreaker", state: "closed" },
  ]);
});

test("nothing configured is no policy, and an unknown name stands for nothing", () => {
  expect(new PolicyBench({}).policy()).toBeUndefined();
  expect(new PolicyBench({ apps: { orders: { retry: "typo" } } }).policy()).toBeUndefined();
});

test.each([
  [1, 3],
  [-1, 3],
  [undefined, 3],
  [10, 10],
])("built-in retries replaced by maxRetries %s are %d", (maxRetries, expected) => {
  const bench = new PolicyBench({
    retries: {
      DaprBuiltInServiceRetries: { durationMs: 10, maxRetries },
      DaprBuiltInActorNotFoundRetries: { maxRetries: 9 },
    },
  });
  expect(bench.component.builtInRetry).toMatchObject({ retries: expected, delayMs: 10 });
  expect(bench.lines.filter((line) => line.includes("DaprBuiltInServiceRetries"))).toEqual(
    expected === 10
      ? []
      : [
          "warn Attempted override of DaprBuiltInServiceRetries did not meet minimum retry count, resetting to 3.",
        ],
  );
  expect(bench.lines.join()).toContain("DaprBuiltInActorNotFoundRetries which is not allowed");
});

test("exponential built-in retries pause accordingly", () => {
  const bench = new PolicyBench({
    retries: { DaprBuiltInServiceRetries: { policy: "exponential", maxRetries: 3 } },
  });
  const next = bench.component.builtInRetry?.pauses?.();
  expect([next?.(), next?.(), next?.(), next?.()]).toEqual([500, 750, 1_125, -1]);
});

test.each([
  [{ retries: { r: { httpStatusCodes: "11" } } }, "retries.r: invalid pattern 11"],
  [{ circuitBreakers: { cb: { trip: "a >" } } }, "circuitBreakers.cb.trip: "],
  [{ retries: { r: { maxRetries: 1.5 } } }, "retries.r.maxRetries: must be a whole number"],
  [{ apps: { a: { circuitBreakerCacheSize: -1 } } }, "must be 0 or more"],
])("wrong options are refused: %j", (options, text) => {
  try {
    resiliency(options);
    expect.unreachable();
  } catch (reason) {
    expect(isOutriggerError(reason, "OTR_OPTIONS_INVALID")).toBe(true);
    expect(String(reason)).toContain(text);
  }
});
