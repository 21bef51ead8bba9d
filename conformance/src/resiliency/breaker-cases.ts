import assert from "node:assert/strict";
import type { ConformanceCase } from "../case.ts";
import { type CallRecord, PolicyBench } from "./bench.ts";
import { expectCount, expectFailure } from "./expect.ts";
import type { BreakerRule, ResiliencyResource, ResiliencySubject, RetryRule } from "./subject.ts";

/** A breaker for `orders`, and retries when there is a rule for them. */
export function guarded(rule: BreakerRule, retry?: RetryRule): ResiliencyResource {
  return {
    name: "guarded",
    circuitBreakers: { it: rule },
    ...(retry !== undefined && { retries: { again: retry } }),
    apps: { orders: { circuitBreaker: "it", ...(retry !== undefined && { retry: "again" }) } },
  };
}

const atThree = { trip: "consecutiveFailures >= 3", timeout: "5s" };
const failing = { outcomes: [500] } as const;

/** Rejects unless the call was not let through. */
export function expectRefused(record: CallRecord, text = "circuit breaker is open"): void {
  expectFailure(record, "OTR_CIRCUIT_OPEN", text);
  expectCount(record, 0);
}

/** Rejects unless the call reached the app. */
export function expectPassed(record: CallRecord): void {
  assert.equal(record.attempts.length, 1, `it was not let through: ${record.reason}`);
}

/** A breaker that has just opened. */
async function opened(subject: ResiliencySubject, rule: BreakerRule): Promise<PolicyBench> {
  const bench = await PolicyBench.of(subject, guarded(rule));
  for (const record of await bench.calls(3, failing)) expectPassed(record);
  expectRefused(await bench.call());
  return bench;
}

/** States of a circuit breaker. */
export const breakerCases: readonly ConformanceCase<ResiliencySubject>[] = [
  {
    id: "resiliency/breaker/opens",
    title: "the failures that trip it pass as they are; the next call does not reach the app",
    async run(subject) {
      const bench = await PolicyBench.of(subject, guarded(atThree));
      for (const record of await bench.calls(3, failing)) {
        expectPassed(record);
        assert.equal(record.value, "500 1");
      }
      expectRefused(await bench.call());
      await bench.clock.advance(4_900);
      expectRefused(await bench.call());
    },
  },
  {
    id: "resiliency/breaker/defaults",
    title: "a breaker that says nothing opens at the sixth failure in a row, for 60 s",
    async run(subject) {
      const bench = await PolicyBench.of(subject, guarded({}));
      for (const record of await bench.calls(6, failing)) expectPassed(record);
      expectRefused(await bench.call());
      await bench.clock.advance(59_900);
      expectRefused(await bench.call());
      await bench.clock.advance(200);
      expectPassed(await bench.call());
    },
  },
  {
    id: "resiliency/breaker/probe-succeeds",
    title: "after its time one call is let through; its success closes it for all",
    async run(subject) {
      const bench = await opened(subject, atThree);
      await bench.clock.advance(5_001);
      expectPassed(await bench.call());
      for (const record of await bench.calls(5)) expectPassed(record);
    },
  },
  {
    id: "resiliency/breaker/probe-fails",
    title: "a probe that fails opens it again, for its full time",
    async run(subject) {
      const bench = await opened(subject, atThree);
      await bench.clock.advance(5_001);
      expectPassed(await bench.call(failing));
      await bench.clock.advance(4_900);
      expectRefused(await bench.call());
      await bench.clock.advance(200);
      expectPassed(await bench.call());
    },
  },
  {
    id: "resiliency/breaker/surplus",
    title: "half-open it lets maxRequests calls through; more get: too many requests",
    async run(subject) {
      const bench = await opened(subject, { ...atThree, maxRequests: 2 });
      await bench.clock.advance(5_001);
      const probes = [1, 2].map(() => bench.begin({ attemptMs: 50 }));
      expectRefused(await bench.call(), "too many requests");
      for (const probe of probes) expectPassed(probe);
      await bench.clock.advance(50);
      expectPassed(await bench.call());
    },
  },
  {
    id: "resiliency/breaker/all-probes",
    title: "it closes when maxRequests probes have succeeded, and not before",
    async run(subject) {
      const bench = await opened(subject, { ...atThree, maxRequests: 2 });
      await bench.clock.advance(5_001);
      expectPassed(await bench.call());
      expectPassed(await bench.call(failing));
      expectRefused(await bench.call());
    },
  },
  {
    id: "resiliency/breaker/per-key",
    title: "each target, and each thing called there, has a breaker of its own",
    async run(subject) {
      const resource = guarded(atThree);
      const apps = { ...resource.apps, billing: { circuitBreaker: "it" } };
      const bench = await PolicyBench.of(subject, { ...resource, apps });
      await bench.calls(3, { ...failing, key: "orders:a" });
      expectRefused(await bench.call({ key: "orders:a" }));
      expectPassed(await bench.call({ key: "orders:b" }));
      expectPassed(await bench.call({ target: "billing", key: "orders:a" }));
    },
  },
  {
    id: "resiliency/breaker/default-policy",
    title: "a default breaker keeps targets apart, too",
    async run(subject) {
      const circuitBreakers = { DefaultAppCircuitBreakerPolicy: atThree };
      const bench = await PolicyBench.of(subject, { name: "default", circuitBreakers });
      await bench.calls(3, { ...failing, target: "one", key: "m" });
      expectRefused(await bench.call({ target: "one", key: "m" }));
      expectPassed(await bench.call({ target: "two", key: "m" }));
    },
  },
  {
    id: "resiliency/breaker/remembers-so-many",
    title: "circuitBreakerCacheSize bounds the breakers of a target; a forgotten one begins anew",
    async run(subject) {
      const resource = guarded(atThree);
      const apps = { orders: { circuitBreaker: "it", circuitBreakerCacheSize: 1 } };
      const bench = await PolicyBench.of(subject, { ...resource, apps });
      await bench.calls(3, { ...failing, key: "orders:a" });
      expectRefused(await bench.call({ key: "orders:a" }));
      expectPassed(await bench.call({ key: "orders:b" }));
      expectPassed(await bench.call({ key: "orders:a" }));
    },
  },
  {
    id: "resiliency/breaker/old-outcomes",
    title: "a call that began before it opened says nothing about the time after",
    async run(subject) {
      const bench = await PolicyBench.of(subject, guarded(atThree));
      const slow = bench.begin({ ...failing, attemptMs: 5_500 });
      await bench.calls(3, failing);
      await bench.clock.advance(5_001);
      const probe = bench.begin({ attemptMs: 1_000 });
      await bench.clock.advance(499);
      assert.ok(slow.over);
      expectRefused(await bench.call(), "too many requests");
      await bench.clock.advance(1_000);
      assert.ok(probe.over);
      expectPassed(await bench.call());
    },
  },
  {
    id: "resiliency/breaker/ends-retries",
    title: "retries stop when it opens: the attempts count, and the caller hears of it",
    async run(subject) {
      const retry = { duration: "1ms", maxRetries: 10 };
      const rule = { trip: "consecutiveFailures >= 5", timeout: "5s" };
      const bench = await PolicyBench.of(subject, guarded(rule, retry));
      const record = await bench.call(failing);
      expectCount(record, 5);
      expectFailure(record, "OTR_CIRCUIT_OPEN", "circuit breaker is open");
      expectRefused(await bench.call());
    },
  },
];
