import { type TracingOptions, tracing } from "@outrigger/tracing";
import { expect, test, vi } from "vitest";
import { contextWith, keepingLogger, MemoryExporter } from "./memory-exporter.ts";

function startTracer(exporter: MemoryExporter, options: TracingOptions = {}) {
  const { log, lines } = keepingLogger();
  const tracer = tracing({ samplingRate: 1, exporters: [exporter.factory], ...options })(
    contextWith(log),
  );
  const record = (count: number): void => {
    for (let index = 0; index < count; index++) {
      tracer.begin("server", `span ${index}`, undefined).span?.end();
    }
  };
  return { tracer, lines, record };
}

test("spans wait for the delay, and go in one batch", async () => {
  const exporter = new MemoryExporter();
  const { tracer, record } = startTracer(exporter, { scheduleDelayMs: 20 });
  record(3);
  expect(exporter.batches).toHaveLength(0);
  await vi.waitFor(() => expect(exporter.batches.map(({ length }) => length)).toEqual([3]));
  await tracer.stop?.();
});

test("a whole batch goes at once", async () => {
  const exporter = new MemoryExporter();
  const { tracer, record } = startTracer(exporter, { maxExportBatchSize: 10 });
  record(10);
  await vi.waitFor(() => expect(exporter.batches.map(({ length }) => length)).toEqual([10]));
  await tracer.stop?.();
});

test("a slow collector costs dropped spans, never more memory", async () => {
  const exporter = new MemoryExporter();
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  exporter.gate = () => opened;
  const { tracer, record } = startTracer(exporter, { maxQueueSize: 20, maxExportBatchSize: 10 });
  record(100);
  // Ten are under way and twenty wait.
  expect(tracer.counts().memory).toEqual({ exported: 0, dropped: 70, failed: 0 });
  open();
  await tracer.stop?.();
  expect(tracer.counts().memory).toEqual({ exported: 30, dropped: 70, failed: 0 });
  expect(exporter.spans.map(({ name }) => name)).toEqual(
    Array.from({ length: 30 }, (_, index) => `span ${index}`),
  );
});

test("a collector that is away costs one warning, and its return one line", async () => {
  const exporter = new MemoryExporter();
  exporter.gate = async () => {
    throw new Error("connect ECONNREFUSED");
  };
  const { tracer, lines, record } = startTracer(exporter, { maxExportBatchSize: 5 });
  for (let round = 1; round <= 3; round++) {
    record(5);
    await vi.waitFor(() => expect(tracer.counts().memory?.failed).toBe(round * 5));
  }
  expect(lines).toEqual(["warn memory: spans cannot be sent to nowhere: connect ECONNREFUSED"]);

  exporter.gate = async () => undefined;
  record(5);
  await vi.waitFor(() => expect(tracer.counts().memory?.exported).toBe(5));
  expect(lines[1]).toBe("info memory: spans are sent to nowhere again; 15 were lost so far");
  await tracer.stop?.();
});

test("an export that never ends is given up, and the next one goes on", async () => {
  const exporter = new MemoryExporter();
  exporter.gate = () => new Promise(() => undefined);
  const { tracer, lines, record } = startTracer(exporter, {
    maxExportBatchSize: 1,
    exportTimeoutMs: 20,
  });
  record(1);
  await vi.waitFor(() => expect(tracer.counts().memory?.failed).toBe(1));
  expect(lines[0]).toContain("no answer within 20 ms");
  exporter.gate = async () => undefined;
  record(1);
  await vi.waitFor(() => expect(tracer.counts().memory?.exported).toBe(1));
  await tracer.stop?.();
});

test("the end sends what waits, and waits no longer than it may", async () => {
  const exporter = new MemoryExporter();
  exporter.gate = () => new Promise(() => undefined);
  const { tracer, record } = startTracer(exporter, { flushTimeoutMs: 30, maxExportBatchSize: 10 });
  record(25);
  const startedAt = performance.now();
  await tracer.stop?.();
  expect(performance.now() - startedAt).toBeLessThan(2_000);
  expect(tracer.counts().memory).toEqual({ exported: 0, dropped: 15, failed: 10 });
  expect(exporter.stopped).toBe(true);
});

test("an exporter that does not end is left to itself", async () => {
  const tracer = tracing({
    samplingRate: 1,
    exporters: [
      () => ({
        name: "stuck",
        target: "nowhere",
        export: async () => undefined,
        stop: () => new Promise(() => undefined),
      }),
    ],
  })(contextWith());
  const startedAt = performance.now();
  await tracer.stop?.();
  expect(performance.now() - startedAt).toBeLessThan(3_000);
});

test("each exporter has a queue of its own", async () => {
  const slow = new MemoryExporter();
  const quick = new MemoryExporter();
  slow.gate = () => new Promise(() => undefined);
  const tracer = tracing({
    samplingRate: 1,
    exporters: [slow.factory, quick.factory],
    maxExportBatchSize: 1,
    flushTimeoutMs: 20,
  })(contextWith());
  for (let count = 0; count < 5; count++) tracer.begin("server", "x", undefined).span?.end();
  await vi.waitFor(() => expect(quick.spans).toHaveLength(5));
  expect(slow.spans).toHaveLength(1);
  await tracer.stop?.();
});
