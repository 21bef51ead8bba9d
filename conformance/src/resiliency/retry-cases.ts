import assert from "node:assert/strict";
import type { ConformanceCase } from "../case.ts";
import { AttemptError, PolicyBench } from "./bench.ts";
import { expectAttempts, expectCount, expectFailure, expectWithin, pausesOf } from "./expect.ts";
import type { ResiliencyResource, ResiliencySubject, RetryRule } from "./subject.ts";

/** A resource whose one retry policy is that of `orders`. */
export function retrying(rule: RetryRule): ResiliencyResource {
  return { name: "retrying", retries: { it: rule }, apps: { orders: { retry: "it" } } };
}

const minuteMs = 60_000;
const exponential = { policy: "exponential" } as const;

/** Attempts and what lies between them. */
export const retryCases: readonly ConformanceCase<ResiliencySubject>[] = [
  {
    id: "resiliency/retry/constant",
    title: "a constant policy makes N+1 attempts, with exactly its duration between them",
    async run(subject) {
      const bench = await PolicyBench.of(subject, retrying({ duration: "100ms", maxRetries: 3 }));
      const record = await bench.call({ outcomes: [500] });
      expectAttempts(record, [0, 100, 200, 300]);
      assert.deepEqual(record.announced, [100, 100, 100]);
    },
  },
  {
    id: "resiliency/retry/success",
    title: "a success ends the attempts, the first one and a later one",
    async run(subject) {
      const bench = await PolicyBench.of(subject, retrying({ duration: "100ms", maxRetries: 3 }));
      expectAttempts(await bench.call(), [0]);
      const record = await bench.call({ outcomes: [500, "throws", "ok"] });
      expectAttempts(record, [0, 100, 200]);
      assert.equal(record.value, "ok 3");
    },
  },
  {
    id: "resiliency/retry/defaults",
    title: "a policy that says nothing waits 5 s each time and never gives up",
    async run(subject) {
      const bench = await PolicyBench.of(subject, retrying({}));
      const record = await bench.call({ outcomes: [500] }, 1_000_000);
      assert.equal(record.over, false);
      assert.equal(record.attempts.length, 201);
      assert.deepEqual(new Set(pausesOf(record)), new Set([5_000]));
    },
  },
  {
    id: "resiliency/retry/none",
    title: "maxRetries 0 is one attempt, for which no body must be kept",
    async run(subject) {
      const bench = await PolicyBench.of(subject, retrying({ duration: "1ms", maxRetries: 0 }));
      const record = await bench.call({ outcomes: [500] });
      expectCount(record, 1);
      assert.equal(record.value, "500 1");
      assert.equal(record.retries, false);
    },
  },
  {
    id: "resiliency/retry/says-so",
    title: "a policy says whether an attempt may follow, and how long a body it keeps for that",
    async run(subject) {
      const bench = await PolicyBench.of(subject, {
        name: "kinds",
        retries: { it: { maxRetries: 1 } },
        timeouts: { long: "30s" },
        apps: { orders: { retry: "it" }, billing: { timeout: "long" } },
      });
      const retried = bench.resiliency.policyFor("orders", "orders:m");
      assert.equal(retried?.retries, true);
      assert.ok(Number.isFinite(retried.maxReplayBytes) && retried.maxReplayBytes > 0);
      assert.equal(bench.resiliency.policyFor("billing", "billing:m")?.retries, false);
    },
  },
  {
    id: "resiliency/retry/last-answer",
    title: "the caller gets the last answer as it is; those before it are given back",
    async run(subject) {
      const bench = await PolicyBench.of(subject, retrying({ duration: "1ms", maxRetries: 2 }));
      const record = await bench.call({ outcomes: [400, 500, 503] });
      assert.equal(record.value, "503 3");
      assert.deepEqual(record.discarded, ["400 1", "500 2"]);
    },
  },
  {
    id: "resiliency/retry/last-error",
    title: "the caller gets the last error as it is",
    async run(subject) {
      const bench = await PolicyBench.of(subject, retrying({ duration: "1ms", maxRetries: 2 }));
      const { reason, attempts } = await bench.call({ outcomes: ["throws"] });
      assert.equal(attempts.length, 3);
      assert.ok(reason instanceof AttemptError, String(reason));
      assert.equal(reason.message, "attempt 3");
    },
  },
  {
    id: "resiliency/retry/not-whole",
    title:
      "a call that is no longer whole is not tried again: its body has gone, or its answer began",
    async run(subject) {
      const bench = await PolicyBench.of(subject, retrying({ duration: "1ms", maxRetries: 2 }));
      const record = await bench.call({ outcomes: [500], repeatable: false });
      expectCount(record, 1);
      assert.equal(record.value, "500 1");
      assert.deepEqual(record.discarded, []);
    },
  },
  {
    id: "resiliency/retry/caller-leaves",
    title: "a caller that leaves during a pause ends it at once",
    async run(subject) {
      const bench = await PolicyBench.of(subject, retrying({ duration: "60s" }));
      const caller = new AbortController();
      const record = bench.begin({ outcomes: [500], signal: caller.signal });
      await bench.clock.advance(1_000);
      caller.abort(new Error("gone"));
      await bench.clock.advance(0);
      expectFailure(record, "OTR_ABORTED");
      await bench.clock.advance(600_000);
      expectCount(record, 1);
    },
  },
  {
    id: "resiliency/retry/caller-left",
    title: "a failure after the caller has left is not tried again",
    async run(subject) {
      const bench = await PolicyBench.of(subject, retrying({ duration: "0s", maxRetries: 5 }));
      const caller = new AbortController();
      const record = bench.begin({ outcomes: [500], attemptMs: 50, signal: caller.signal });
      await bench.clock.advance(10);
      caller.abort(new Error("gone"));
      assert.equal(record.signals[0]?.aborted, true, "the attempt hears of it");
      await bench.clock.advance(1_000);
      expectCount(record, 1);
    },
  },
  {
    id: "resiliency/retry/deadline",
    title: "no attempt begins after the caller's deadline, and the call ends with it",
    async run(subject) {
      const bench = await PolicyBench.of(subject, retrying({ duration: "100ms" }));
      const record = await bench.call({ outcomes: [500], deadlineInMs: 250 });
      expectAttempts(record, [0, 100, 200]);
      assert.equal(record.tookMs, 250);
      expectFailure(record, "OTR_TIMEOUT");
    },
  },
  {
    id: "resiliency/retry/exponential",
    title: "exponential pauses grow from 500 ms by half, each spread by half around that",
    async run(subject) {
      for (const random of [0, 0.25, 0.5, 0.999_999]) {
        const bench = await PolicyBench.of(subject, retrying({ ...exponential, maxRetries: 8 }));
        bench.random = random;
        const pauses = pausesOf(await bench.call({ outcomes: [500] }));
        assert.equal(pauses.length, 8);
        for (const [index, pause] of pauses.entries()) {
          const wanted = 500 * 1.5 ** index * (0.5 + random);
          expectWithin(pause, wanted - 2, wanted + 2, `pause ${index + 1} at ${random}`);
        }
      }
    },
  },
  {
    id: "resiliency/retry/exponential-cap",
    title: "maxInterval caps the interval before it is spread, 60 s unless it says otherwise",
    async run(subject) {
      const capped = { ...exponential, maxInterval: "2s", maxRetries: 12 };
      for (const [rule, capMs] of [
        [capped, 2_000],
        [{ ...exponential, maxRetries: 16 }, minuteMs],
      ] as const) {
        for (const [random, factor] of [
          [0, 0.5],
          [0.5, 1],
        ] as const) {
          const bench = await PolicyBench.of(subject, retrying(rule));
          bench.random = random;
          const record = await bench.call({ outcomes: [500] }, 15 * minuteMs);
          expectWithin(
            pausesOf(record).at(-1) ?? 0,
            capMs * factor - 2,
            capMs * factor + 2,
            `last pause with ${JSON.stringify(rule)}`,
          );
        }
      }
    },
  },
  {
    id: "resiliency/retry/exponential-ends",
    title: "an exponential policy gives up when the next pause would end after 15 minutes",
    async run(subject) {
      const bench = await PolicyBench.of(subject, retrying(exponential));
      const record = await bench.call({ outcomes: [500] }, 60 * minuteMs);
      assert.ok(record.over, "it never gives up");
      expectWithin(record.tookMs, 14 * minuteMs, 15 * minuteMs, "time of the call");
      assert.match(`${record.value}`, /^500 /);
    },
  },
];
