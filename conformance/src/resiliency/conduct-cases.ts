import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import type { ConformanceCase } from "../case.ts";
import { withinTime } from "../resolver/expect.ts";
import { PolicyBench } from "./bench.ts";
import { expectAttempts } from "./expect.ts";
import { retrying } from "./retry-cases.ts";
import type { ResiliencyResource, ResiliencySubject } from "./subject.ts";

const everything: ResiliencyResource = {
  name: "everything",
  timeouts: { DefaultTimeoutPolicy: "10s" },
  retries: { DefaultRetryPolicy: { duration: "10ms", maxRetries: 2 } },
  circuitBreakers: { DefaultCircuitBreakerPolicy: { trip: "consecutiveFailures >= 1000" } },
};

/** Many calls, and what is left of them. */
export const conductCases: readonly ConformanceCase<ResiliencySubject>[] = [
  {
    id: "resiliency/conduct/calls-apart",
    title: "calls at the same time have attempts and pauses of their own",
    async run(subject) {
      const bench = await PolicyBench.of(subject, retrying({ duration: "100ms", maxRetries: 2 }));
      const first = bench.begin({ outcomes: [500] });
      await bench.clock.advance(50);
      const second = bench.begin({ outcomes: [500] });
      await bench.clock.advance(1_000);
      expectAttempts(first, [0, 100, 200]);
      expectAttempts(second, [0, 100, 200]);
    },
  },
  {
    id: "resiliency/conduct/no-leaks",
    title: "a thousand calls leave no timer and no listener behind",
    async run(subject) {
      const bench = await PolicyBench.of(subject, everything);
      const caller = new AbortController();
      const records = Array.from({ length: 1_000 }, (_, index) =>
        bench.begin({
          target: `app-${index % 10}`,
          outcomes: index % 3 === 0 ? ["throws", "ok"] : ["ok"],
          signal: caller.signal,
        }),
      );
      await bench.clock.advance(5_000);
      assert.ok(records.every(({ over }) => over));
      assert.equal(bench.clock.pending, 0, "timers");
      assert.equal(getEventListeners(caller.signal, "abort").length, 0, "listeners");
    },
  },
  {
    id: "resiliency/conduct/yields",
    title: "retries without a pause and without end let other work go on",
    async run(subject) {
      const bench = await PolicyBench.of(subject, retrying({ duration: "0s", maxRetries: -1 }));
      const caller = new AbortController();
      const record = bench.begin({ outcomes: [500], signal: caller.signal });
      await withinTime(2_000, "other work", async () => {
        for (let turn = 0; turn < 5; turn++) await bench.clock.advance(0, () => true);
        caller.abort(new Error("gone"));
        await bench.clock.advance(1);
      });
      assert.ok(record.over, "the call ends with its caller");
    },
  },
  {
    id: "resiliency/conduct/lifecycle",
    title: "it starts and stops twice, in time",
    async run(subject, signal) {
      const { resiliency } = await PolicyBench.of(subject, everything);
      await withinTime(2_000, "start() and stop()", async () => {
        await resiliency.start?.(signal);
        await resiliency.start?.(signal);
        await Promise.all([resiliency.stop?.(), resiliency.stop?.()]);
        await resiliency.stop?.();
      });
    },
  },
];
