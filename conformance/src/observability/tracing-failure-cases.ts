import assert from "node:assert/strict";
import type { ConformanceCase } from "../case.ts";
import { eventually, withinTime } from "../resolver/expect.ts";
import { arrive, record, withTracer } from "./tracing-bench.ts";
import type { TracingSubject } from "./tracing-subject.ts";

const canFail = ({ features }: TracingSubject): boolean => features?.failures !== false;
const limits = { maxQueueSize: 16, maxExportBatchSize: 8, scheduleDelayMs: 30 };

/** Collectors that are away or slow. */
export const tracingFailureCases: readonly ConformanceCase<TracingSubject>[] = [
  {
    id: "tracing/failure/off-the-path",
    title: "a collector that hangs holds up no request",
    appliesTo: canFail,
    run: (subject, signal) => {
      const settings = { ...limits, exportTimeoutMs: 200, flushTimeoutMs: 200 };
      return withTracer(subject, settings, signal, ({ tracer }) => {
        subject.collector.behave?.("hangs");
        const startedAt = performance.now();
        record(tracer, 2_000);
        const tookMs = performance.now() - startedAt;
        assert.ok(tookMs < 400, `2000 requests were held up for ${Math.round(tookMs)} ms`);
      });
    },
  },
  {
    id: "tracing/failure/bounded-queue",
    title: "spans that the queue has no room for are dropped",
    appliesTo: canFail,
    async run(subject, signal) {
      const settings = { ...limits, exportTimeoutMs: 200 };
      await withTracer(subject, settings, signal, async ({ tracer }) => {
        subject.collector.behave?.("hangs");
        record(tracer, 500);
        subject.collector.behave?.("takes");
        await arrive(subject, 1);
      });
      const count = subject.collector.arrived().length;
      // Those that wait, and those that are being sent.
      assert.ok(count <= 24, `${count} spans arrived`);
    },
  },
  {
    id: "tracing/failure/one-warning",
    title: "an outage is told by one warning",
    appliesTo: canFail,
    run: (subject, signal) =>
      withTracer(subject, limits, signal, async ({ tracer, warnings }) => {
        subject.collector.behave?.("refuses");
        for (let batch = 0; batch < 6; batch++) {
          record(tracer, 8);
          await new Promise((resolve) => setTimeout(resolve, 40));
        }
        await eventually(
          2_000,
          () => warnings.length,
          (count) => count > 0,
          "warnings",
        );
        assert.equal(warnings.length, 1, warnings.join("\n"));
      }),
  },
  {
    id: "tracing/failure/back-again",
    title: "spans arrive again once the collector takes them",
    appliesTo: canFail,
    run: (subject, signal) =>
      withTracer(subject, limits, signal, async ({ tracer, warnings }) => {
        subject.collector.behave?.("refuses");
        record(tracer, 8, "lost");
        await eventually(
          3_000,
          () => warnings.length,
          (count) => count > 0,
          "warnings",
        );
        subject.collector.behave?.("takes");
        record(tracer, 8, "kept");
        await arrive(subject, 8, "kept");
      }),
  },
  {
    id: "tracing/failure/export-bounded",
    title: "an export that hangs is given up, and later spans arrive",
    appliesTo: canFail,
    run: (subject, signal) =>
      withTracer(
        subject,
        { ...limits, exportTimeoutMs: 250 },
        signal,
        async ({ tracer, warnings }) => {
          subject.collector.behave?.("hangs");
          record(tracer, 8, "lost");
          await eventually(
            3_000,
            () => warnings.length,
            (count) => count > 0,
            "warnings",
          );
          subject.collector.behave?.("takes");
          record(tracer, 4, "kept");
          await arrive(subject, 4, "kept");
        },
      ),
  },
  {
    id: "tracing/failure/stop-bounded",
    title: "a collector that hangs holds up the stop no longer than the flush may take",
    appliesTo: canFail,
    run: (subject, signal) =>
      withTracer(
        subject,
        { ...limits, exportTimeoutMs: 60_000, flushTimeoutMs: 200 },
        signal,
        async ({ tracer }) => {
          subject.collector.behave?.("hangs");
          record(tracer, 16);
          await withinTime(2_000, "the stop", async () => tracer.stop?.());
        },
      ),
  },
];
