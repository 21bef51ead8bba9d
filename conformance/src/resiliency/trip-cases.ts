import assert from "node:assert/strict";
import type { ConformanceCase } from "../case.ts";
import { PolicyBench } from "./bench.ts";
import { expectPassed, expectRefused, guarded } from "./breaker-cases.ts";
import { expectCount } from "./expect.ts";
import type { ResiliencySubject } from "./subject.ts";

const failing = { outcomes: [500] } as const;

function hasExpressions({ features }: ResiliencySubject): boolean {
  return features?.expressions !== false;
}

/** What a circuit breaker counts, and when it opens. */
export const tripCases: readonly ConformanceCase<ResiliencySubject>[] = [
  {
    id: "resiliency/trip/in-a-row",
    title: "a success begins the failures in a row anew, and never trips",
    async run(subject) {
      const bench = await PolicyBench.of(subject, guarded({ trip: "consecutiveFailures >= 3" }));
      for (let round = 0; round < 3; round++) {
        await bench.calls(2, failing);
        for (const record of await bench.calls(2)) expectPassed(record);
      }
      await bench.calls(3, failing);
      expectRefused(await bench.call());
    },
  },
  {
    id: "resiliency/trip/in-total",
    title: "a success does not begin the failures in total anew",
    appliesTo: hasExpressions,
    async run(subject) {
      const bench = await PolicyBench.of(subject, guarded({ trip: "totalFailures >= 3" }));
      for (let round = 0; round < 3; round++) {
        expectPassed(await bench.call(failing));
        if (round < 2) expectPassed(await bench.call());
      }
      expectRefused(await bench.call());
    },
  },
  {
    id: "resiliency/trip/requests",
    title: "calls that are under way are among the requests",
    appliesTo: hasExpressions,
    async run(subject) {
      const bench = await PolicyBench.of(subject, guarded({ trip: "requests >= 3" }));
      const underWay = [1, 2].map(() => bench.begin({ attemptMs: 50 }));
      expectPassed(await bench.call(failing));
      expectRefused(await bench.call());
      for (const record of underWay) expectPassed(record);
    },
  },
  {
    id: "resiliency/trip/failures-of-every-kind",
    title: "errors, timeouts and statuses that are not retried count as failures",
    async run(subject) {
      const resource = guarded(
        { trip: "consecutiveFailures >= 3" },
        { duration: "1ms", maxRetries: 0, httpStatusCodes: "503" },
      );
      const bench = await PolicyBench.of(subject, {
        ...resource,
        timeouts: { short: "10ms" },
        apps: { orders: { ...resource.apps?.orders, timeout: "short" } },
      });
      expectPassed(await bench.call({ outcomes: ["throws"] }));
      expectPassed(await bench.call({ outcomes: ["hangs"] }));
      expectPassed(await bench.call({ outcomes: [404] }));
      expectRefused(await bench.call());
    },
  },
  {
    id: "resiliency/trip/broken-answers",
    title: "an answer that breaks off on its way to the caller counts as a failure",
    async run(subject) {
      const bench = await PolicyBench.of(subject, guarded({ trip: "consecutiveFailures >= 2" }));
      await bench.calls(2, { ended: Promise.resolve(false) });
      await bench.clock.advance(1);
      expectRefused(await bench.call());
    },
  },
  {
    id: "resiliency/trip/interval",
    title: "counts of the closed state begin anew with each interval, and never without one",
    async run(subject) {
      const trip = "consecutiveFailures >= 3";
      for (const [interval, passes] of [
        ["10s", true],
        ["0", false],
      ] as const) {
        const bench = await PolicyBench.of(subject, guarded({ trip, interval }));
        await bench.calls(2, failing);
        await bench.clock.advance(10_001);
        await bench.calls(1, failing);
        const record = await bench.call();
        if (passes) expectPassed(record);
        else expectRefused(record);
      }
    },
  },
  {
    id: "resiliency/trip/whole-numbers",
    title: "counts are whole numbers, which divide without a remainder unless they are converted",
    appliesTo: hasExpressions,
    async run(subject) {
      for (const [trip, opens] of [
        ["requests >= 4 && totalFailures / requests > 0.5", false],
        ["requests >= 4 && double(totalFailures) / double(requests) > 0.5", true],
      ] as const) {
        const bench = await PolicyBench.of(subject, guarded({ trip }));
        await bench.calls(1);
        await bench.calls(3, failing);
        const record = await bench.call();
        if (opens) expectRefused(record);
        else expectPassed(record);
      }
    },
  },
  {
    id: "resiliency/trip/unknown-name",
    title: "an expression with a name that is none is taken, and never trips",
    appliesTo: hasExpressions,
    async run(subject) {
      const rule = { trip: "consecutiveFailure >= 1" };
      const bench = await PolicyBench.of(subject, guarded(rule));
      assert.deepEqual(bench.problems, []);
      for (const record of await bench.calls(10, failing)) expectPassed(record);
    },
  },
  {
    id: "resiliency/trip/malformed",
    title: "an expression of wrong syntax or types leaves its resource out, with a line",
    appliesTo: hasExpressions,
    async run(subject) {
      for (const trip of ["consecutiveFailures >", '"a" + 1 == "a1"', "1 && true"]) {
        const resource = guarded({ trip }, { duration: "1ms", maxRetries: 1 });
        const bench = await PolicyBench.of(subject, { ...resource, name: "bad-trip" });
        assert.match(`${bench.problems[0]}`, /Could not read resiliency policy bad-trip/, trip);
        assert.equal(bench.resiliency.hasTarget("orders"), false, trip);
        expectCount(await bench.call(failing), 1, trip);
      }
    },
  },
];
