import assert from "node:assert/strict";
import type { ConformanceCase } from "../case.ts";
import {
  partsOf,
  record,
  remote,
  remoteSpanId,
  remoteTraceId,
  withTracer,
} from "./tracing-bench.ts";
import type { TracingSubject } from "./tracing-subject.ts";

/** Which requests are recorded, and with what identity they go on. */
export const tracingSamplingCases: readonly ConformanceCase<TracingSubject>[] = [
  {
    id: "tracing/sampling/parent-sampled",
    title: "a request whose parent is sampled is sampled, whatever the rate",
    run: (subject, signal) =>
      withTracer(subject, { samplingRate: 0 }, signal, ({ tracer }) => {
        const context = tracer.begin("server", "/x", remote(true));
        assert.equal(partsOf(context).isSampled, true);
        assert.ok(context.span !== undefined, "a span");
        context.span.end();
      }),
  },
  {
    id: "tracing/sampling/parent-unsampled",
    title: "a request whose parent is not sampled is not, whatever the rate, and has no span",
    run: (subject, signal) =>
      withTracer(subject, { samplingRate: 1 }, signal, ({ tracer }) => {
        const context = tracer.begin("server", "/x", remote(false));
        assert.equal(partsOf(context).isSampled, false);
        assert.equal(context.span, undefined);
      }),
  },
  {
    id: "tracing/sampling/root-at-one",
    title: "rate 1 samples every trace that begins here",
    run: (subject, signal) =>
      withTracer(subject, { samplingRate: 1 }, signal, ({ tracer }) => {
        for (let index = 0; index < 100; index++) {
          const context = tracer.begin("client", "/x", undefined);
          assert.equal(partsOf(context).isSampled && context.span !== undefined, true);
          context.span?.end();
        }
      }),
  },
  {
    id: "tracing/sampling/root-at-zero",
    title: "rate 0 samples no trace that begins here, and gives contexts all the same",
    run: (subject, signal) =>
      withTracer(subject, { samplingRate: 0 }, signal, ({ tracer }) => {
        for (let index = 0; index < 100; index++) {
          const context = tracer.begin("client", "/x", undefined);
          assert.equal(partsOf(context).isSampled || context.span !== undefined, false);
        }
      }),
  },
  {
    id: "tracing/identity/same-trace",
    title: "a request goes on in its parent's trace, with a span id of its own",
    run: (subject, signal) =>
      withTracer(subject, {}, signal, ({ tracer }) => {
        for (const isSampled of [true, false]) {
          const context = tracer.begin("server", "/x", remote(isSampled));
          const { traceId, spanId } = partsOf(context);
          assert.equal(traceId, remoteTraceId);
          assert.notEqual(spanId, remoteSpanId);
          context.span?.end();
        }
      }),
  },
  {
    id: "tracing/identity/state-kept",
    title: "`tracestate` goes on as it came",
    run: (subject, signal) =>
      withTracer(subject, {}, signal, ({ tracer }) => {
        for (const isSampled of [true, false]) {
          const context = tracer.begin("server", "/x", remote(isSampled));
          assert.equal(context.tracestate, "vendor=1");
          context.span?.end();
        }
      }),
  },
  {
    id: "tracing/identity/fresh",
    title: "traces that begin here have ids of their own, none of them zero",
    run: (subject, signal) =>
      withTracer(subject, { samplingRate: 0 }, signal, ({ tracer }) => {
        const parts = Array.from({ length: 1_000 }, () =>
          partsOf(tracer.begin("client", "/x", undefined)),
        );
        for (const ids of [parts.map((each) => each.traceId), parts.map((each) => each.spanId)]) {
          assert.equal(new Set(ids).size, 1_000, "an id comes twice");
          assert.ok(!ids.some((id) => /^0+$/.test(id)), "an id is zero");
        }
      }),
  },
  {
    id: "tracing/sampling/unsampled-stays",
    title: "nothing of an unsampled request arrives",
    run: async (subject, signal) => {
      await withTracer(subject, { samplingRate: 0 }, signal, ({ tracer }) => {
        record(tracer, 50);
        tracer.begin("server", "/x", remote(false)).span?.end();
      });
      assert.deepEqual(subject.collector.arrived(), []);
    },
  },
];
