import { isOutriggerError } from "@outrigger/core";
import type { RetryOptions } from "@outrigger/resiliency";
import { expect, test } from "vitest";
import { failed, PolicyBench, succeeded } from "./policy-call.ts";

function retrying(retry: RetryOptions): PolicyBench {
  return new PolicyBench({ retries: { r: retry }, apps: { orders: { retry: "r" } } });
}

test("constant pauses are exact, and the last answer is delivered", async () => {
  const bench = retrying({ durationMs: 200, maxRetries: 3 });
  const call = bench.call(() => failed(503));
  await bench.clock.advance(10_000);
  expect(await call).toBe("failed 503");
  expect(bench.attempts).toEqual([0, 200, 400, 600]);
  expect(bench.lines).toEqual([
    "warn Error processing operation endpoint[orders, orders:m]. Retrying in 200ms\u2026",
  ]);
});

test("a recovery ends the retries and is logged", async () => {
  const bench = retrying({ durationMs: 1_500 });
  const call = bench.call((number) => (number < 3 ? failed(500) : succeeded));
  await bench.clock.advance(10_000);
  expect(await call).toBe("ok");
  expect(bench.attempts).toEqual([0, 1_500, 3_000]);
  expect(bench.lines).toEqual([
    "warn Error processing operation endpoint[orders, orders:m]. Retrying in 1.5s\u2026",
    "info Recovered processing operation endpoint[orders, orders:m] after 3 attempts",
  ]);
});

test("without a limit retries go on until the caller leaves, at once in a pause", async () => {
  const bench = retrying({ durationMs: 1_000 });
  const caller = new AbortController();
  const call = bench.call(() => failed(500), { signal: caller.signal }).catch((reason) => reason);
  await bench.clock.advance(100_500);
  expect(bench.attempts).toHaveLength(101);
  caller.abort();
  expect(isOutriggerError(await call, "OTR_ABORTED")).toBe(true);
  expect(bench.clock.pending).toBe(0);
});

test("maxRetries 0 never retries and keeps no bodies", async () => {
  const bench = retrying({ durationMs: 10, maxRetries: 0 });
  expect(bench.policy()?.retries).toBe(false);
  expect(await bench.call(() => failed(500))).toBe("failed 500");
  expect(bench.attempts).toEqual([0]);
});

test("the documented intervals of an exponential policy, unspread", async () => {
  const bench = retrying({ policy: "exponential", maxIntervalMs: 5_000, maxRetries: 8 });
  const call = bench.call(() => failed(500));
  await bench.clock.advance(60_000);
  await call;
  const gaps = bench.attempts.slice(1).map((time, index) => time - (bench.attempts[index] ?? 0));
  const expected = [500, 750, 1_125, 1_687.5, 2_531.25, 3_796.875, 5_000, 5_000];
  expect(gaps).toEqual(expected);
});

test.each([
  [0, 0.5],
  [0.999_999, 1.5],
])("pauses are spread by half: random %d gives a factor of %d", async (random, factor) => {
  const bench = retrying({ policy: "exponential", maxIntervalMs: 100, maxRetries: 2 });
  bench.random = random;
  const call = bench.call(() => failed(500));
  await bench.clock.advance(10_000);
  await call;
  // The first interval is 500 ms even when the cap is smaller.
  expect(bench.attempts[1]).toBeCloseTo(500 * factor, 2);
  expect((bench.attempts[2] ?? 0) - (bench.attempts[1] ?? 0)).toBeCloseTo(100 * factor, 2);
});

test("an exponential policy gives up after 15 minutes", async () => {
  const bench = retrying({ policy: "exponential" });
  const call = bench.call(() => failed(500));
  await bench.clock.advance(16 * 60_000);
  expect(await call).toBe("failed 500");
  expect(bench.attempts.at(-1)).toBeLessThanOrEqual(15 * 60_000);
  expect(bench.attempts.at(-1)).toBeGreaterThan(14 * 60_000 - 60_000);
});

test("thrown errors are retried whatever the lists say", async () => {
  const bench = retrying({ durationMs: 10, maxRetries: 2, httpStatusCodes: "500" });
  const call = bench
    .call(() => Promise.reject(new Error("refused")))
    .catch((reason: Error) => reason.message);
  await bench.clock.advance(100);
  expect(await call).toBe("refused");
  expect(bench.attempts).toHaveLength(3);
});

test.each([
  ["500", 500, true],
  ["500", 501, false],
  ["400-500,501", 400, true],
  ["400-500,501", 420, true],
  ["400-500,501", 501, true],
  ["400-500,501", 399, false],
  ["400-500,501", 502, false],
  ["101", 101, true],
  ["", 404, true],
  ["", 600, false],
  [",", 500, false],
])("HTTP codes %j: %d is retried: %s", async (httpStatusCodes, code, expected) => {
  const bench = retrying({ durationMs: 10, maxRetries: 1, httpStatusCodes });
  const call = bench.call(() => failed(code));
  await bench.clock.advance(100);
  await call;
  expect(bench.attempts.length > 1).toBe(expected);
});

test.each([
  ["6-14", 6, true],
  ["6-14", 14, true],
  ["6-14", 15, false],
  ["6-14", 2, false],
  ["6-14", 20, false],
  ["", 20, false],
  ["", 16, true],
])("gRPC codes %j: %d is retried: %s", async (grpcStatusCodes, code, expected) => {
  const bench = retrying({
    ...{ durationMs: 10, maxRetries: 1, grpcStatusCodes },
    // The other protocol's list does not matter.
    httpStatusCodes: "599",
  });
  const call = bench.call(() => failed(code));
  await bench.clock.advance(100);
  await call;
  expect(bench.attempts.length > 1).toBe(expected);
});

test("a call that is no longer whole is not repeated", async () => {
  const bench = retrying({ durationMs: 10 });
  expect(await bench.call(() => failed(500), { repeatable: false })).toBe("failed 500");
  expect(bench.attempts).toEqual([0]);
});

test("the caller's deadline ends the retries in time", async () => {
  const bench = retrying({ durationMs: 1_000 });
  const deadlineMs = bench.clock.now() + 2_500;
  const call = bench.call(() => failed(500), { deadlineMs }).catch((reason) => reason);
  await bench.clock.advance(2_499);
  expect(bench.attempts).toEqual([0, 1_000, 2_000]);
  await bench.clock.advance(1);
  expect(isOutriggerError(await call, "OTR_TIMEOUT")).toBe(true);
});

test("a pause of no length still lets others run", async () => {
  const bench = new PolicyBench({
    retries: { r: { durationMs: 0 } },
    apps: { orders: { retry: "r" } },
  });
  let calls = 0;
  const caller = new AbortController();
  const call = bench
    .call(
      () => {
        calls += 1;
        if (calls === 50) caller.abort();
        return failed(500);
      },
      { signal: caller.signal },
    )
    .catch(() => undefined);
  await bench.clock.advance(1);
  await call;
  expect(calls).toBe(50);
});
