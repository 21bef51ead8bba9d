import type { AttemptResult } from "@outrigger/core";
import { isOutriggerError } from "@outrigger/core";
import type { ResiliencyOptions } from "@outrigger/resiliency";
import { expect, test } from "vitest";
import { failed, PolicyBench, succeeded } from "./policy-call.ts";

function hedging(options: ResiliencyOptions = {}, maxAttempts = 2): PolicyBench {
  return new PolicyBench({
    hedges: { h: { delayMs: 50, maxAttempts } },
    apps: { orders: { hedge: "h", retry: "r", timeout: "t", circuitBreaker: "cb" } },
    ...options,
  });
}

type Attempt = Parameters<PolicyBench["call"]>[0];

/** Attempts that end when the test says; remembers which were aborted. */
class Attempts {
  readonly aborted: number[] = [];
  readonly #ends: ((result: AttemptResult<string> | Error) => void)[] = [];

  readonly run: Attempt = (number, signal) =>
    new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => {
        this.aborted.push(number);
        reject(signal.reason);
      });
      this.#ends[number - 1] = (result) =>
        result instanceof Error ? reject(result) : resolve(result);
    });

  end(number: number, result: AttemptResult<string> | Error): void {
    this.#ends[number - 1]?.(result);
  }
}

test("after the delay a second attempt joins; the first answer wins, the other is aborted", async () => {
  const bench = hedging();
  const attempts = new Attempts();
  const call = bench.call(attempts.run, { instances: 3 });
  await bench.clock.advance(49);
  expect(bench.attempts).toEqual([0]);
  await bench.clock.advance(1_000);
  expect(bench.attempts).toEqual([0, 50]);
  attempts.end(2, { value: "second" });
  expect(await call).toBe("second");
  expect(attempts.aborted).toEqual([1]);
  expect(bench.clock.pending).toBe(0);
});

test("the first attempt may win too, and an answer that comes too late is let go", async () => {
  const bench = hedging();
  const ends: ((result: AttemptResult<string>) => void)[] = [];
  const call = bench.call(() => new Promise((resolve) => void ends.push(resolve)), {
    instances: 2,
  });
  await bench.clock.advance(60);
  ends[0]?.({ value: "first" });
  expect(await call).toBe("first");
  ends[1]?.({ value: "late" });
  await bench.clock.settle();
  expect(bench.discarded).toEqual(["late"]);
});

test("an answer within the delay has no company", async () => {
  const bench = hedging();
  expect(await bench.call(() => succeeded, { instances: 2 })).toBe("ok");
  await bench.clock.advance(1_000);
  expect(bench.attempts).toEqual([0]);
});

test.each([
  ["the bound", 3, 9, [0, 50, 100]],
  ["the instances", 5, 2, [0, 50]],
  ["a single instance", 5, 1, [0]],
])("attempts are bounded by %s", async (_what, maxAttempts, instances, expected) => {
  const bench = hedging({}, maxAttempts);
  const attempts = new Attempts();
  const call = bench.call(attempts.run, { instances });
  await bench.clock.advance(1_000);
  expect(bench.attempts).toEqual(expected);
  attempts.end(expected.length, succeeded);
  expect(await call).toBe("ok");
  expect(attempts.aborted).toHaveLength(expected.length - 1);
});

test("a call that may not be made twice is not", async () => {
  const bench = hedging();
  const attempts = new Attempts();
  const call = bench.call(attempts.run);
  await bench.clock.advance(1_000);
  expect(bench.attempts).toEqual([0]);
  attempts.end(1, succeeded);
  await call;
});

test.each([503, 429])("a quick %d gives way to an attempt under way", async (code) => {
  const bench = hedging();
  const attempts = new Attempts();
  const call = bench.call(attempts.run, { instances: 2 });
  await bench.clock.advance(60);
  attempts.end(2, failed(code));
  await bench.clock.settle();
  attempts.end(1, succeeded);
  expect(await call).toBe("ok");
  // What has come of the other answer ends with it.
  expect(bench.discarded).toEqual([`failed ${code}`]);
  expect(attempts.aborted).toEqual([2]);
});

test("a 404 is an answer", async () => {
  const bench = hedging();
  const attempts = new Attempts();
  const call = bench.call(attempts.run, { instances: 2 });
  await bench.clock.advance(60);
  attempts.end(2, failed(404));
  expect(await call).toBe("failed 404");
  expect(attempts.aborted).toEqual([1]);
});

test.each<[string, (AttemptResult<string> | Error)[], string]>([
  ["the last error", [new Error("one"), new Error("two")], "two"],
  ["an answer rather than an error", [failed(503), new Error("two")], "failed 503"],
  ["the last answer", [failed(503), failed(500)], "failed 500"],
])("when all fail the caller gets %s", async (_what, ends, expected) => {
  const bench = hedging();
  const attempts = new Attempts();
  const call = bench.call(attempts.run, { instances: 2 }).catch((reason: Error) => reason.message);
  await bench.clock.advance(60);
  for (const [index, end] of ends.entries()) {
    attempts.end(index + 1, end);
    await bench.clock.settle();
  }
  expect(await call).toBe(expected);
});

test("a failure before the delay is the retry policy's business", async () => {
  const bench = hedging({ retries: { r: { durationMs: 200, maxRetries: 1 } } });
  const call = bench.call((number) => (number === 1 ? failed(503) : succeeded), { instances: 2 });
  await bench.clock.advance(1_000);
  expect(await call).toBe("ok");
  expect(bench.attempts).toEqual([0, 200]);
});

test("one time limit covers them all, and aborts them all", async () => {
  const bench = hedging({ timeouts: { t: 120 } });
  const attempts = new Attempts();
  const call = bench.call(attempts.run, { instances: 2 }).catch((reason) => reason);
  await bench.clock.advance(119);
  expect(attempts.aborted).toEqual([]);
  await bench.clock.advance(1);
  expect(isOutriggerError(await call, "OTR_TIMEOUT")).toBe(true);
  expect(attempts.aborted).toEqual([1, 2]);
  expect(bench.clock.pending).toBe(0);
});

test("a caller that leaves ends them all, before the delay too", async () => {
  for (const waitMs of [10, 60]) {
    const bench = hedging();
    const attempts = new Attempts();
    const caller = new AbortController();
    const call = bench
      .call(attempts.run, { instances: 2, signal: caller.signal })
      .catch((reason) => reason);
    await bench.clock.advance(waitMs);
    caller.abort(new Error("left"));
    expect(await call).toMatchObject({ message: "left" });
    expect(attempts.aborted).toEqual(waitMs === 10 ? [1] : [1, 2]);
    expect(bench.clock.pending).toBe(0);
  }
});

test("a caller that leaves while the answer is on its way ends the winner", async () => {
  const bench = hedging();
  const attempts = new Attempts();
  const caller = new AbortController();
  let ended: (whole: boolean) => void = () => undefined;
  const call = bench.call(attempts.run, { instances: 2, signal: caller.signal });
  await bench.clock.advance(60);
  attempts.end(1, { value: "ok", ended: new Promise((resolve) => (ended = resolve)) });
  await call;
  expect(attempts.aborted).toEqual([2]);
  caller.abort();
  expect(attempts.aborted).toEqual([2, 1]);
  ended(false);
});

test("the budget counts attempts that join others", async () => {
  const bench = hedging({ retryBudget: { ratio: 0, minPerSecond: 0.1 } });
  for (const expected of [2, 1]) {
    const before = bench.attempts.length;
    const attempts = new Attempts();
    const call = bench.call(attempts.run, { instances: 2 });
    await bench.clock.advance(100);
    expect(bench.attempts.length - before).toBe(expected);
    attempts.end(1, succeeded);
    await call;
  }
});

test("a breaker counts one call, and half-open it gets one", async () => {
  const bench = hedging({
    circuitBreakers: { cb: { trip: "totalFailures >= 1 || requests > 1", timeoutMs: 1_000 } },
  });
  const attempts = new Attempts();
  const call = bench.call(attempts.run, { instances: 2 });
  await bench.clock.advance(60);
  attempts.end(1, failed(500));
  attempts.end(2, failed(500));
  await call;
  expect(bench.lines.filter((line) => line.includes("changed state"))).toEqual([
    'info Circuit breaker "orders:m" changed state from closed to open',
  ]);
  await bench.clock.advance(1_001);
  const before = bench.attempts.length;
  const probe = new Attempts();
  const probing = bench.call((_number, signal) => probe.run(1, signal), { instances: 2 });
  await bench.clock.advance(500);
  expect(bench.attempts.length - before).toBe(1);
  probe.end(1, succeeded);
  await probing;
});

test("a default applies to targets without an entry; without a policy nothing is kept", () => {
  const bench = new PolicyBench({
    hedges: { DefaultAppHedgePolicy: { delayMs: 10 } },
    apps: { listed: {} },
  });
  expect(bench.policy("orders")).toMatchObject({ hedges: true, retries: false });
  expect(bench.policy("listed")).toBeUndefined();
});

test.each([
  [{ delayMs: -1 }, "hedges.h.delayMs: must be 0 or more"],
  [{ delayMs: 1, maxAttempts: 1 }, "hedges.h.maxAttempts: must be 2 or more"],
  [{ delayMs: 1, maxAttempts: 6 }, "hedges.h.maxAttempts: must be 5 or less"],
])("%j is refused", (hedge, problem) => {
  expect(() => new PolicyBench({ hedges: { h: hedge } })).toThrow(problem);
});
