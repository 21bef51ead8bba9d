import assert from "node:assert/strict";
import type { ConformanceCase } from "../case.ts";
import { withinTime } from "../resolver/expect.ts";
import { arrive, partsOf, record, remote, remoteSpanId, withTracer } from "./tracing-bench.ts";
import type { ArrivedSpan, TracingSubject } from "./tracing-subject.ts";

const hasDetails = ({ features }: TracingSubject): boolean => features?.details !== false;

/** What arrives of one span that the work makes. */
async function arrivalOf(
  subject: TracingSubject,
  signal: AbortSignal,
  work: Parameters<typeof withTracer>[3],
): Promise<ArrivedSpan> {
  await withTracer(subject, {}, signal, work);
  const [span, ...more] = await arrive(subject, 1);
  assert.equal(more.length, 0, "more than one span arrived");
  return span as ArrivedSpan;
}

/** Sampled spans on their way. */
export const tracingExportCases: readonly ConformanceCase<TracingSubject>[] = [
  {
    id: "tracing/export/identity",
    title: "a span arrives with the ids that its request went on with, and its parent's",
    async run(subject, signal) {
      let ids = { traceId: "", spanId: "" };
      const span = await arrivalOf(subject, signal, ({ tracer }) => {
        const context = tracer.begin("server", "/x", remote(true));
        ids = partsOf(context);
        context.span?.end();
      });
      const { traceId, spanId, parentSpanId } = span;
      assert.deepEqual({ traceId, spanId }, { traceId: ids.traceId, spanId: ids.spanId });
      assert.equal(parentSpanId, remoteSpanId);
    },
  },
  {
    id: "tracing/export/root",
    title: "the first span of a trace arrives without a parent",
    async run(subject, signal) {
      const span = await arrivalOf(subject, signal, ({ tracer }) => record(tracer, 1));
      assert.equal(span.parentSpanId, undefined);
    },
  },
  {
    id: "tracing/export/name",
    title: "a span arrives under the name that it had at its end",
    async run(subject, signal) {
      const { name } = await arrivalOf(subject, signal, ({ tracer }) => {
        const { span } = tracer.begin("server", "/x", undefined);
        assert.ok(span !== undefined);
        span.name = "CallLocal/stock/reserve";
        span.end();
      });
      // Zipkin knows names in lower case only.
      assert.equal(name.toLowerCase(), "calllocal/stock/reserve");
    },
  },
  {
    id: "tracing/export/once",
    title: "a span that is ended twice arrives once",
    async run(subject, signal) {
      await arrivalOf(subject, signal, ({ tracer }) => {
        const { span } = tracer.begin("server", "/x", undefined);
        span?.end();
        span?.end("again");
      });
    },
  },
  {
    id: "tracing/export/kind",
    title: "a span arrives with the side of the call that it tells about",
    appliesTo: hasDetails,
    async run(subject, signal) {
      await withTracer(subject, {}, signal, ({ tracer }) => {
        for (const kind of ["client", "server"] as const) {
          tracer.begin(kind, kind, undefined).span?.end();
        }
      });
      for (const { name, kind } of await arrive(subject, 2)) assert.equal(kind, name);
    },
  },
  {
    id: "tracing/export/attributes",
    title: "attributes arrive, the last value of each, none that is empty",
    appliesTo: hasDetails,
    async run(subject, signal) {
      const { attributes = {} } = await arrivalOf(subject, signal, ({ tracer }) => {
        const { span } = tracer.begin("client", "/x", undefined);
        for (const value of ["http", "grpc"]) span?.set("dapr.protocol", value);
        span?.set("empty", "");
        span?.end();
      });
      assert.equal(attributes["dapr.protocol"], "grpc");
      assert.ok(!Object.hasOwn(attributes, "empty"), "an empty attribute");
    },
  },
  {
    id: "tracing/export/failed",
    title: "a span that went wrong arrives as one, and only such a span",
    appliesTo: hasDetails,
    async run(subject, signal) {
      await withTracer(subject, {}, signal, ({ tracer }) => {
        tracer.begin("client", "bad", undefined).span?.end("no app");
        tracer.begin("client", "good", undefined).span?.end();
      });
      for (const { name, failed } of await arrive(subject, 2)) assert.equal(failed, name === "bad");
    },
  },
  {
    id: "tracing/export/service",
    title: "spans arrive under the app's id as the service",
    appliesTo: ({ features }) => features?.service !== false,
    async run(subject, signal) {
      const { service } = await arrivalOf(subject, signal, ({ tracer }) => record(tracer, 1));
      assert.equal(service, "orders");
    },
  },
  {
    id: "tracing/export/after-delay",
    title: "a span that waits alone is sent after the delay",
    run: (subject, signal) =>
      withTracer(subject, { scheduleDelayMs: 50 }, signal, async ({ tracer }) => {
        record(tracer, 1);
        await arrive(subject, 1);
      }),
  },
  {
    id: "tracing/export/full-batch",
    title: "a full batch is sent at once",
    run: (subject, signal) =>
      withTracer(
        subject,
        { scheduleDelayMs: 60_000, maxExportBatchSize: 8 },
        signal,
        async ({ tracer }) => {
          record(tracer, 8);
          await arrive(subject, 8);
        },
      ),
  },
  {
    id: "tracing/export/flushed",
    title: "the stop sends all that waits, and does not wait for the delay",
    async run(subject, signal) {
      const settings = { scheduleDelayMs: 60_000, maxExportBatchSize: 8, maxQueueSize: 64 };
      await withinTime(4_000, "the stop", () =>
        withTracer(subject, settings, signal, ({ tracer }) => record(tracer, 5)),
      );
      await arrive(subject, 5);
    },
  },
  {
    id: "tracing/export/after-stop",
    title: "a span that ends after the stop disturbs nobody",
    async run(subject, signal) {
      await withTracer(subject, {}, signal, async ({ tracer }) => {
        const { span } = tracer.begin("server", "late", undefined);
        await tracer.stop?.();
        span?.set("late", "yes");
        span?.end();
      });
    },
  },
];
