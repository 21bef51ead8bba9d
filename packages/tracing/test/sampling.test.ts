import { describeSampler, isRootSampled, parseSamplingRate, tracing } from "@outrigger/tracing";
import { expect, test } from "vitest";
import { contextWith, MemoryExporter } from "./memory-exporter.ts";

const parent = "0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331";

test.for([
  ["1", 1],
  ["0", 0],
  ["0.0", 0],
  ["0.5", 0.5],
  [".25", 0.25],
  ["1e-3", 0.001],
  ["7", 1],
  ["-1", 0],
  ["inf", 1],
  ["", 0.0001],
  [" 1", 0.0001],
  ["0x10", 0.0001],
  ["often", 0.0001],
  ["1e999", 0.0001],
] as const)("rate %j is read as %d", ([text, rate]) => {
  expect(parseSamplingRate(text)).toBe(rate);
});

test.for([
  [0, "TraceIDRatioBased{0}"],
  [1, "TraceIDRatioBased{1}"],
  [0.0001, "TraceIDRatioBased{0.0001}"],
  [0.00001, "TraceIDRatioBased{1e-05}"],
] as const)("rate %d is written as Go does: %s", ([rate, text]) => {
  expect(describeSampler(rate)).toContain(`ParentBased{root:${text},`);
});

test("the last eight bytes of a trace id decide, shifted right by one", () => {
  const ending = (hex: string): string => `${"f".repeat(16)}${hex}`;
  expect(isRootSampled(ending("7fffffffffff0000"), 0.5)).toBe(true);
  expect(isRootSampled(ending("8000000000000000"), 0.5)).toBe(false);
  expect(isRootSampled(ending("0000000000000001"), 0)).toBe(false);
  expect(isRootSampled(ending("ffffffffffffffff"), 1)).toBe(true);
});

test("a parent decides whatever the rate is; the trace goes on and the span is new", () => {
  const rare = tracing({ samplingRate: 0.00001 })(contextWith());
  const always = tracing({ samplingRate: 1 })(contextWith());

  const sampled = rare.begin("client", "x", { traceparent: `00-${parent}-01`, tracestate: "a=b" });
  const unsampled = always.begin("client", "x", { traceparent: `00-${parent}-00`, tracestate: "" });

  expect(sampled.traceparent).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-01$/);
  expect(sampled.traceparent).not.toContain("b7ad6b7169203331");
  expect(sampled.tracestate).toBe("a=b");
  expect(sampled.span).toBeDefined();
  expect(unsampled.traceparent).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-00$/);
  expect(unsampled.span).toBeUndefined();
});

test("about as many roots as the rate says are sampled", () => {
  const tracer = tracing({ samplingRate: 0.1 })(contextWith());
  let sampled = 0;
  for (let count = 0; count < 20_000; count++) {
    if (tracer.begin("server", "x", undefined).span !== undefined) sampled += 1;
  }
  // Ten standard deviations: never by chance.
  expect(sampled).toBeGreaterThan(1_570);
  expect(sampled).toBeLessThan(2_430);
});

test("later versions of the header are continued as version 00", () => {
  const tracer = tracing({ samplingRate: 0 })(contextWith());
  const trace = tracer.begin("client", "x", {
    traceparent: `cc-${parent}-03-more`,
    tracestate: "",
  });
  expect(trace.traceparent).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-03$/);
});

test("a span has what was told about it, and the name of the service", async () => {
  const exporter = new MemoryExporter();
  const tracer = tracing({
    samplingRate: 1,
    exporters: [exporter.factory],
    resource: { "service.name": "from-resource", "deployment.environment": "test" },
  })(contextWith());
  const trace = tracer.begin("client", "/first", undefined);
  const before = Date.now();
  if (trace.span !== undefined) {
    trace.span.name = "CallLocal/a/b";
    trace.span.set("empty", "");
    trace.span.set("key", "one");
    trace.span.set("key", "two");
    trace.span.end("Code(500): Internal Server Error");
    trace.span.end();
  }
  await tracer.stop?.();

  expect(exporter.spans).toHaveLength(1);
  const [span] = exporter.spans;
  expect(span).toMatchObject({
    name: "CallLocal/a/b",
    kind: "client",
    parentSpanId: undefined,
    error: "Code(500): Internal Server Error",
  });
  expect([...(span?.attributes ?? [])]).toEqual([["key", "two"]]);
  expect(Math.abs((span?.startMs ?? 0) - before)).toBeLessThan(1_000);
  expect(span?.durationMs).toBeGreaterThanOrEqual(0);
  expect(exporter.resource).toEqual({
    serviceName: "from-resource",
    attributes: { "service.name": "from-resource", "deployment.environment": "test" },
  });
  expect(exporter.stopped).toBe(true);
});

test.for([
  [{ samplingRate: 2 }, "samplingRate"],
  [{ maxQueueSize: 0 }, "maxQueueSize"],
  [{ exporters: [1] }, "exporters"],
  [{ rate: 1 }, "rate"],
] as const)("options %j are refused", ([options, field]) => {
  // @ts-expect-error: wrong on purpose
  expect(() => tracing(options)).toThrow(field);
});
