import assert from "node:assert/strict";
import type { ConformanceCase } from "../case.ts";
import { PolicyBench } from "./bench.ts";
import { expectAttempts, expectCount, expectFailure } from "./expect.ts";
import type { ResiliencyResource, ResiliencySubject } from "./subject.ts";

/** A time limit for `orders`, and one retry when it is given a pause. */
function limited(timeout: string, pause?: string): ResiliencyResource {
  return {
    name: "limited",
    timeouts: { it: timeout },
    ...(pause !== undefined && { retries: { once: { duration: pause, maxRetries: 1 } } }),
    apps: { orders: { timeout: "it", ...(pause !== undefined && { retry: "once" }) } },
  };
}

/** Time limits of attempts. */
export const timeoutCases: readonly ConformanceCase<ResiliencySubject>[] = [
  {
    id: "resiliency/timeout/hanging",
    title: "an attempt that hangs is given up in time and aborted, and fails with OTR_TIMEOUT",
    async run(subject) {
      const bench = await PolicyBench.of(subject, limited("100ms"));
      const record = await bench.call({ outcomes: ["hangs"] });
      expectFailure(record, "OTR_TIMEOUT", "context deadline exceeded");
      assert.equal(record.tookMs, 100);
      assert.equal(record.signals[0]?.aborted, true);
    },
  },
  {
    id: "resiliency/timeout/retried",
    title: "time that is up is a failure that is retried: each attempt has its full time",
    async run(subject) {
      const bench = await PolicyBench.of(subject, limited("100ms", "30ms"));
      const record = await bench.call({ outcomes: ["hangs"] });
      expectAttempts(record, [0, 130]);
      assert.equal(record.tookMs, 230);
      expectFailure(record, "OTR_TIMEOUT");
      assert.deepEqual(
        record.signals.map(({ aborted }) => aborted),
        [true, true],
      );
    },
  },
  {
    id: "resiliency/timeout/per-attempt",
    title: "there is no limit over the whole call",
    async run(subject) {
      const bench = await PolicyBench.of(subject, limited("100ms", "30ms"));
      const record = await bench.call({ outcomes: [500, "ok"], attemptMs: 80 });
      assert.equal(record.value, "ok 2");
      assert.equal(record.tookMs, 190);
    },
  },
  {
    id: "resiliency/timeout/fast",
    title: "a fast call is not changed, and its timer ends with it",
    async run(subject) {
      const bench = await PolicyBench.of(subject, limited("30s"));
      const record = await bench.call({ attemptMs: 50 });
      assert.equal(record.value, "ok 1");
      assert.equal(record.tookMs, 50);
      assert.equal(bench.clock.pending, 0);
      await bench.clock.advance(60_000);
      assert.equal(record.signals[0]?.aborted, false);
    },
  },
  {
    id: "resiliency/timeout/off",
    title: "0 and negative times are no limit",
    async run(subject) {
      for (const timeout of ["0", "0s", "-5s"]) {
        const bench = await PolicyBench.of(subject, limited(timeout, "1ms"));
        const record = await bench.call({ attemptMs: 60_000 });
        assert.equal(record.value, "ok 1", timeout);
        expectCount(record, 1, timeout);
      }
    },
  },
  {
    id: "resiliency/timeout/milliseconds",
    title: "a plain number is milliseconds, and units add up",
    async run(subject) {
      for (const [timeout, ms] of [
        ["250", 250],
        ["1m0.5s", 60_500],
        ["1500us", 1.5],
      ] as const) {
        const bench = await PolicyBench.of(subject, limited(timeout));
        const record = await bench.call({ outcomes: ["hangs"] });
        assert.equal(record.tookMs, ms, timeout);
      }
    },
  },
  {
    id: "resiliency/timeout/late-answer",
    title: "an answer that comes too late is given back, and nobody gets it",
    async run(subject) {
      const bench = await PolicyBench.of(subject, limited("100ms"));
      const record = await bench.call({ attemptMs: 150 });
      expectFailure(record, "OTR_TIMEOUT");
      assert.deepEqual(record.discarded, []);
      await bench.clock.advance(1_000);
      assert.deepEqual(record.discarded, ["ok 1"]);
    },
  },
  {
    id: "resiliency/timeout/covers-the-body",
    title: "the limit lasts until the answer has been passed on to its end",
    async run(subject) {
      const bench = await PolicyBench.of(subject, limited("100ms"));
      const slow = await bench.call({ ended: new Promise(() => undefined) });
      assert.equal(slow.value, "ok 1");
      await bench.clock.advance(99);
      assert.equal(slow.signals[0]?.aborted, false);
      await bench.clock.advance(1);
      assert.equal(slow.signals[0]?.aborted, true);
      const quick = await bench.call({ ended: Promise.resolve(true) });
      await bench.clock.advance(1_000);
      assert.equal(quick.signals[0]?.aborted, false);
    },
  },
  {
    id: "resiliency/timeout/streams",
    title: "no limit applies to a call that says so, as streams do",
    async run(subject) {
      const bench = await PolicyBench.of(subject, limited("100ms"));
      const record = await bench.call({ attemptMs: 60_000, untimed: true });
      assert.equal(record.value, "ok 1");
    },
  },
];
