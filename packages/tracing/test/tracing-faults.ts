import type { ArrivedSpan, TracerSettings, TracingSubject } from "@outrigger/conformance";
import type { ComponentContext, Span, SpanKind, TraceContext, Tracer } from "@outrigger/core";

/** A subject that does one thing wrong. */
export type Fault = (right: TracingSubject) => TracingSubject;

type Begin = (kind: SpanKind, name: string, parent: TraceContext | undefined) => TraceContext;

/** Settings are read wrong, or the context is. */
function settings(
  change: (given: TracerSettings) => Partial<TracerSettings>,
  context: (given: ComponentContext) => ComponentContext = (given) => given,
): Fault {
  return (right) => ({
    ...right,
    create: (given, its) => right.create({ ...given, ...change(given) }, context(its)),
  });
}

/** Another tracer in the place of the right one. */
function tracer(wrap: (right: Tracer, given: TracerSettings) => Partial<Tracer>): Fault {
  return (right) => ({
    ...right,
    create: (given, context) => {
      const inner = right.create(given, context);
      return {
        name: inner.name,
        start: async (signal) => inner.start?.(signal),
        begin: (kind, name, parent) => inner.begin(kind, name, parent),
        stop: async () => inner.stop?.(),
        ...wrap(inner, given),
      };
    },
  });
}

function begin(change: (right: Begin, given: TracerSettings) => Begin): Fault {
  return tracer((right, given) => ({
    begin: change((kind, name, parent) => right.begin(kind, name, parent), given),
  }));
}

/** Spans behave wrong, where there are any. */
function spans(change: (right: Span, given: TracerSettings) => Span): Fault {
  return begin((right, given) => (kind, name, parent) => {
    const context = right(kind, name, parent);
    const { span } = context;
    return span === undefined ? context : { ...context, span: change(span, given) };
  });
}

/** What arrives is wrong. */
function everyOne(change: (span: ArrivedSpan) => ArrivedSpan): Fault {
  return (right) => ({
    ...right,
    collector: { ...right.collector, arrived: () => right.collector.arrived().map(change) },
  });
}

function wrapped(right: Span, parts: Partial<Pick<Span, "set" | "end">>): Span {
  return {
    get name() {
      return right.name;
    },
    set name(name) {
      right.name = name;
    },
    set: (key, value) => right.set(key, value),
    end: (error) => right.end(error),
    ...parts,
  };
}

const flagged = (context: TraceContext, flags: string): TraceContext => ({
  ...context,
  traceparent: `${context.traceparent.slice(0, 53)}${flags}`,
});

/** A parent's flag is overruled by the rate. */
const byRate = (isParentSampled: boolean): Fault =>
  begin((right, { samplingRate }) => (kind, name, parent) => {
    const isOverruled = parent?.traceparent.endsWith("01") === isParentSampled;
    const rate = samplingRate === 1 ? "01" : "00";
    const isSilent = samplingRate === (isParentSampled ? 0 : 1);
    if (parent === undefined || !isOverruled || !isSilent) return right(kind, name, parent);
    return right(kind, name, flagged(parent, rate));
  });

const sameTrace: Fault = begin((right) => (kind, name, parent) => {
  const context = right(kind, name, parent);
  // A span id as it came; its record has an id of its own.
  const isKept = parent !== undefined && context.span === undefined;
  return isKept ? { ...context, traceparent: parent.traceparent } : context;
});

const stateless: Fault = begin((right) => (kind, name, parent) => ({
  ...right(kind, name, parent),
  tracestate: "",
}));

/** Ids come back after a hundred traces. */
const repeated: Fault = begin((right, { samplingRate }) => {
  const known: TraceContext[] = [];
  let count = 0;
  return (kind, name, parent) => {
    const again = known[count++ % 100];
    if (again !== undefined && samplingRate === 0 && parent === undefined) return again;
    const context = right(kind, name, parent);
    if (context.span === undefined) known.push(context);
    return context;
  };
});

const sampledByLuck = (most: number): Fault =>
  begin((right, { samplingRate }) => {
    let roots = 0;
    return (kind, name, parent) => {
      if (parent !== undefined || samplingRate !== 1) return right(kind, name, parent);
      roots += 1;
      const context = right(kind, name, parent);
      if (roots !== most || name !== "/x") return context;
      return { traceparent: flagged(context, "00").traceparent, tracestate: "" };
    };
  });

const zeroSamples: Fault = begin((right, { samplingRate }) => {
  let roots = 0;
  return (kind, name, parent) => {
    const context = right(kind, name, parent);
    if (parent !== undefined || samplingRate !== 0) return context;
    roots += 1;
    return roots === 100 && name === "/x" ? flagged(context, "01") : context;
  };
});

/** Every request waits for a collector that hangs. */
const onThePath: Fault = (right) => {
  let hangs = false;
  const broken = spans((span, { exportTimeoutMs, flushTimeoutMs }) =>
    wrapped(span, {
      end: (error) => {
        if (hangs && exportTimeoutMs === flushTimeoutMs) spin(0.3);
        span.end(error);
      },
    }),
  )(right);
  const behave: NonNullable<TracingSubject["collector"]["behave"]> = (conduct) => {
    hangs = conduct === "hangs";
    right.collector.behave?.(conduct);
  };
  return { ...broken, collector: { ...right.collector, behave } };
};

function spin(ms: number): void {
  for (const endsAt = performance.now() + ms; performance.now() < endsAt; );
}

const warnedTwice = (given: ComponentContext): ComponentContext => ({
  ...given,
  log: {
    ...given.log,
    log: (level, message) => {
      given.log.log(level, message);
      given.log.log(level, message);
    },
  },
});

/** Once refused, never again. */
const goneForGood: Fault = (right) => {
  let isGone = false;
  const behave: NonNullable<TracingSubject["collector"]["behave"]> = (conduct) => {
    isGone ||= conduct === "refuses";
    right.collector.behave?.(isGone ? "refuses" : conduct);
  };
  return { ...right, collector: { ...right.collector, behave } };
};

const deaf: Fault = tracer((right, { exportTimeoutMs }) => ({
  stop: async () => {
    if (exportTimeoutMs === 60_000) await new Promise((resolve) => setTimeout(resolve, 2_500));
    await right.stop?.();
  },
}));

const sampledParent: TraceContext = {
  traceparent: "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01",
  tracestate: "",
};

const isLate = ({ scheduleDelayMs }: TracerSettings): boolean => scheduleDelayMs === 60_000;

/** By the id of the case that finds it. */
export const tracingFaults: Readonly<Record<string, Fault>> = {
  "tracing/sampling/parent-sampled": byRate(true),
  "tracing/sampling/parent-unsampled": byRate(false),
  "tracing/sampling/root-at-one": sampledByLuck(100),
  "tracing/sampling/root-at-zero": zeroSamples,
  "tracing/sampling/unsampled-stays": begin((right, { samplingRate }) => (kind, name, parent) => {
    if (samplingRate === 0 && name !== "/x") right(kind, name, sampledParent).span?.end();
    return right(kind, name, parent);
  }),
  "tracing/identity/same-trace": sameTrace,
  "tracing/identity/state-kept": stateless,
  "tracing/identity/fresh": repeated,
  "tracing/export/identity": everyOne((span) =>
    span.parentSpanId === undefined ? span : { ...span, parentSpanId: span.spanId },
  ),
  "tracing/export/root": everyOne((span) => ({
    ...span,
    parentSpanId: span.parentSpanId ?? "0".repeat(16),
  })),
  "tracing/export/name": spans((span) => ({
    name: span.name,
    set: (key, value) => span.set(key, value),
    end: (error) => span.end(error),
  })),
  "tracing/export/once": begin((right) => (kind, name, parent) => {
    const context = right(kind, name, parent);
    const { span } = context;
    if (span === undefined) return context;
    let ends = 0;
    const end = (error?: string): void => {
      ends += 1;
      if (ends > 1) right(kind, name, parent).span?.end(error);
      span.end(error);
    };
    return { ...context, span: wrapped(span, { end }) };
  }),
  "tracing/export/kind": everyOne((span) => ({ ...span, kind: "server" })),
  "tracing/export/attributes": spans((span) => {
    const known = new Set<string>();
    const set = (key: string, value: string): void => {
      if (!known.has(key)) span.set(key, value);
      known.add(key);
    };
    return wrapped(span, { set });
  }),
  "tracing/export/failed": everyOne((span) => ({ ...span, failed: false })),
  "tracing/export/service": settings(
    () => ({}),
    (given) => ({ ...given, appId: "dapr" }),
  ),
  "tracing/export/after-delay": settings(({ scheduleDelayMs }) => ({
    scheduleDelayMs: scheduleDelayMs === 50 ? 59_000 : scheduleDelayMs,
  })),
  "tracing/export/full-batch": settings((given) =>
    isLate(given) && given.maxQueueSize === 256 ? { maxExportBatchSize: 64 } : {},
  ),
  "tracing/export/flushed": tracer((right, given) =>
    isLate(given) && given.maxQueueSize === 64
      ? { begin: (kind, name, parent) => ({ ...right.begin(kind, name, parent), span: nothing }) }
      : {},
  ),
  "tracing/export/after-stop": (right) => {
    let isStopped = false;
    const stopping = tracer((inner) => ({
      stop: async () => {
        isStopped = true;
        await inner.stop?.();
      },
    }))(right);
    return spans((span) =>
      wrapped(span, {
        end: (error) => {
          if (isStopped) throw new Error("stopped");
          span.end(error);
        },
      }),
    )(stopping);
  },
  "tracing/failure/off-the-path": onThePath,
  "tracing/failure/bounded-queue": settings(({ maxQueueSize }) => ({
    maxQueueSize: maxQueueSize === 16 ? 100_000 : maxQueueSize,
  })),
  "tracing/failure/one-warning": settings(() => ({}), warnedTwice),
  "tracing/failure/back-again": goneForGood,
  "tracing/failure/export-bounded": settings(({ exportTimeoutMs }) => ({
    exportTimeoutMs: exportTimeoutMs === 250 ? 59_000 : exportTimeoutMs,
  })),
  "tracing/failure/stop-bounded": deaf,
};

const nothing: Span = { name: "", set: () => undefined, end: () => undefined };
