import assert from "node:assert/strict";
import type { ConformanceCase } from "../case.ts";
import type { MetricsSubject } from "./metrics-subject.ts";
import { bucketsOf, measured, scrapeOf, shown } from "./scrape.ts";

const latency = "dapr_http_server_latency";

/** Latencies and sizes. */
export const metricsHistogramCases: readonly ConformanceCase<MetricsSubject>[] = [
  {
    id: "metrics/histogram/bound-goes-up",
    title: "what equals a bound counts above it",
    async run(subject) {
      const scrape = await scrapeOf(subject, { latencyBucketsMs: [10, 20] }, (recorder) => {
        for (const durationMs of [9, 10, 20]) recorder.httpServed(measured({ durationMs }));
      });
      const finite = bucketsOf(scrape, latency).filter(([bound]) => bound !== "+Inf");
      assert.deepEqual(
        finite.map(([, count]) => count),
        [1, 2],
      );
    },
  },
  {
    id: "metrics/histogram/infinite-is-count",
    title: "the last bucket is `+Inf` and equals the count",
    async run(subject) {
      const scrape = await scrapeOf(subject, {}, (recorder) => {
        for (const durationMs of [1, 90, 4e9]) recorder.httpServed(measured({ durationMs }));
      });
      assert.deepEqual(bucketsOf(scrape, latency).at(-1), ["+Inf", 3]);
      assert.match(shown(scrape, `${latency}_count`)[0] ?? "", / 3$/);
    },
  },
  {
    id: "metrics/histogram/bounds-given",
    title: "the bounds that are asked for are the ones that show",
    async run(subject) {
      const latencyBucketsMs = [5, 50, 500, 5_000];
      const scrape = await scrapeOf(subject, { latencyBucketsMs }, (recorder) => {
        recorder.httpServed(measured());
      });
      const bounds = bucketsOf(scrape, latency).map(([bound]) => bound);
      assert.deepEqual(bounds, ["5", "50", "500", "5000", "+Inf"]);
    },
  },
  {
    id: "metrics/histogram/bounds-default",
    title: "without bounds there are Dapr's 34",
    async run(subject) {
      const scrape = await scrapeOf(subject, { latencyBucketsMs: [] }, (recorder) => {
        recorder.httpServed(measured());
      });
      const bounds = bucketsOf(scrape, latency).map(([bound]) => Number(bound));
      assert.equal(bounds.length, 35);
      assert.deepEqual([bounds[0], bounds[33]], [1, 100_000]);
    },
  },
  {
    id: "metrics/histogram/size-bounds",
    title: "bounds of sizes are written as Go writes them",
    async run(subject) {
      const scrape = await scrapeOf(subject, {}, (recorder) => recorder.httpServed(measured()));
      const bounds = bucketsOf(scrape, "dapr_http_server_response_bytes").map(([bound]) => bound);
      assert.ok(bounds.includes("1.048576e+06"), bounds.join());
    },
  },
];
