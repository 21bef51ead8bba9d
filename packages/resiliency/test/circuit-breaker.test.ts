import { isOutriggerError } from "@outrigger/core";
import type { CircuitBreakerOptions } from "@outrigger/resiliency";
import { expect, test } from "vitest";
import { failed, PolicyBench, succeeded } from "./policy-call.ts";

function breaking(circuitBreaker: CircuitBreakerOptions): PolicyBench {
  return new PolicyBench({
    circuitBreakers: { cb: circuitBreaker },
    apps: { orders: { circuitBreaker: "cb" } },
  });
}

/** What a call comes to: its answer, or the text of its error. */
async function outcome(call: Promise<string>): Promise<string> {
  return call.catch((reason: Error) => reason.message);
}

const fail = (bench: PolicyBench, key?: string): Promise<string> =>
  outcome(bench.call(() => failed(500), key === undefined ? {} : { key }));
const succeed = (bench: PolicyBench): Promise<string> => outcome(bench.call(() => succeeded));

test("opens, refuses, probes and closes", async () => {
  const bench = breaking({ trip: "consecutiveFailures >= 3", timeoutMs: 5_000 });
  for (let count = 0; count < 3; count++) expect(await fail(bench)).toBe("failed 500");
  expect(await succeed(bench)).toBe("circuit breaker is open");
  // It ends strictly after its time.
  await bench.clock.advance(5_000);
  expect(await succeed(bench)).toBe("circuit breaker is open");
  await bench.clock.advance(1);
  expect(await succeed(bench)).toBe("ok");
  expect(await succeed(bench)).toBe("ok");
  expect(bench.lines).toEqual([
    'info Circuit breaker "orders:m" changed state from closed to open',
    'info Circuit breaker "orders:m" changed state from open to half-open',
    'info Circuit breaker "orders:m" changed state from half-open to closed',
  ]);
});

test("the events are what Dapr's counters need", async () => {
  const bench = breaking({ trip: "consecutiveFailures >= 3", timeoutMs: 5_000 });
  for (let count = 0; count < 3; count++) await fail(bench);
  await succeed(bench);
  await bench.clock.advance(5_001);
  await succeed(bench);
  await succeed(bench);
  const states = (type: string) =>
    bench.events.filter((event) => event.type === type).map(({ state }) => state);
  expect(states("lookup")).toEqual(["closed", "closed", "closed", "open", "half-open", "closed"]);
  expect(states("activation")).toEqual(["open", "closed"]);
});

test("half-open admits so many calls, and a failure opens for the full time", async () => {
  const bench = breaking({ maxRequests: 2, trip: "totalFailures > 0", timeoutMs: 1_000 });
  await fail(bench);
  await bench.clock.advance(1_001);
  let end: (result: typeof succeeded) => void = () => undefined;
  const probe = bench.call(
    () =>
      new Promise((resolve) => {
        end = resolve;
      }),
  );
  expect(await succeed(bench)).toBe("ok");
  expect(await succeed(bench)).toBe("too many requests");
  end(failed(500));
  await probe;
  await bench.clock.advance(1_000);
  expect(await succeed(bench)).toBe("circuit breaker is open");
});

test("a call that began before the last change says nothing", async () => {
  const bench = breaking({ trip: "consecutiveFailures > 1", timeoutMs: 1_000 });
  let end: (result: typeof succeeded) => void = () => undefined;
  const slow = bench.call(
    () =>
      new Promise((resolve) => {
        end = resolve;
      }),
  );
  await fail(bench);
  await fail(bench);
  await bench.clock.advance(1_001);
  end(failed(500));
  await slow;
  expect(await succeed(bench)).toBe("ok");
  expect(bench.lines.at(-1)).toContain("from half-open to closed");
});

test("methods of one target break by themselves; others forget the longest unused", async () => {
  const bench = new PolicyBench({
    circuitBreakers: { cb: { trip: "totalFailures > 0" } },
    apps: { orders: { circuitBreaker: "cb", circuitBreakerCacheSize: 2 } },
  });
  expect(await fail(bench, "orders:a")).toBe("failed 500");
  expect(await fail(bench, "orders:a")).toBe("circuit breaker is open");
  expect(await fail(bench, "orders:b")).toBe("failed 500");
  expect(await fail(bench, "orders:c")).toBe("failed 500");
  expect(await fail(bench, "orders:a")).toBe("failed 500");
});

test("successes zero the failures in a row, not the total", async () => {
  const inARow = breaking({ trip: "consecutiveFailures > 1" });
  const inTotal = breaking({ trip: "totalFailures > 1" });
  for (const bench of [inARow, inTotal]) {
    await fail(bench);
    await succeed(bench);
    await fail(bench);
  }
  expect(await succeed(inARow)).toBe("ok");
  expect(await succeed(inTotal)).toBe("circuit breaker is open");
});

test("counts begin anew after each interval", async () => {
  const bench = breaking({ trip: "totalFailures > 1", intervalMs: 1_000 });
  await fail(bench);
  await bench.clock.advance(1_001);
  await fail(bench);
  expect(await succeed(bench)).toBe("ok");
});

test("without a trip the sixth failure in a row opens", async () => {
  const bench = breaking({});
  for (let count = 0; count < 6; count++) expect(await fail(bench)).toBe("failed 500");
  expect(await fail(bench)).toBe("circuit breaker is open");
});

test.each([
  ["totalFailures / requests > 0.5", false],
  ["double(totalFailures) / double(requests) > 0.5", true],
  ["consecutiveFailuers > 0", false],
  ["totalFailures + 1", false],
])("whole numbers divide as such, and what is no answer never trips: %s", async (trip, opens) => {
  const bench = breaking({ trip });
  await succeed(bench);
  await fail(bench);
  await fail(bench);
  expect((await succeed(bench)) === "circuit breaker is open").toBe(opens);
});

test("an open breaker ends the retries of the call that tripped it", async () => {
  const bench = new PolicyBench({
    retries: { r: { durationMs: 20, maxRetries: 10 } },
    circuitBreakers: { cb: { trip: "consecutiveFailures > 4" } },
    apps: { orders: { retry: "r", circuitBreaker: "cb" } },
  });
  const call = bench.call(() => failed(500)).catch((reason) => reason);
  await bench.clock.advance(1_000);
  expect(isOutriggerError(await call, "OTR_CIRCUIT_OPEN")).toBe(true);
  expect(bench.attempts).toHaveLength(5);
});

test("codes that are not retried count all the same, thrown errors and broken answers too", async () => {
  const bench = new PolicyBench({
    retries: { r: { durationMs: 20, httpStatusCodes: "500" } },
    circuitBreakers: { cb: { trip: "totalFailures > 2" } },
    apps: { orders: { retry: "r", circuitBreaker: "cb" } },
  });
  await bench.call(() => failed(404));
  await bench.call(() => ({ value: "half", ended: Promise.resolve(false) }));
  await bench.clock.settle();
  await outcome(bench.call(() => Promise.reject(new Error("refused")), { repeatable: false }));
  expect(await succeed(bench)).toBe("circuit breaker is open");
});
