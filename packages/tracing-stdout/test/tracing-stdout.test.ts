import type { LogFields, Logger } from "@outrigger/core";
import type { SpanRecord } from "@outrigger/tracing";
import { formatSpan, tracingStdout } from "@outrigger/tracing-stdout";
import { expect, test } from "vitest";

const resource = { serviceName: "orders", attributes: { "service.name": "orders" } };
const record: SpanRecord = {
  name: "CallLocal/stock/reserve",
  kind: "server",
  traceId: "0af7651916cd43dd8448eb211c80319c",
  spanId: "b7ad6b7169203331",
  parentSpanId: "00f067aa0ba902b7",
  traceState: "",
  flags: 1,
  startMs: Date.UTC(2026, 0, 2, 3, 4, 5, 250),
  durationMs: 750.5,
  attributes: new Map(),
  error: undefined,
};

test("the line is Dapr's, with two blanks before the end", () => {
  expect(formatSpan(record)).toBe(
    "[CallLocal/stock/reserve] Trace: 0af7651916cd43dd8448eb211c80319c" +
      " Span: 00f067aa0ba902b7/b7ad6b7169203331" +
      " Time: [2026-01-02 03:04:05.25 +0000 UTC ->  2026-01-02 03:04:06.0005 +0000 UTC] Annotations: []",
  );
  expect(formatSpan({ ...record, parentSpanId: undefined })).toContain(
    " Span: 0000000000000000/b7ad6b7169203331 ",
  );
});

test("each span is a line in a scope of its own, with the keys that were asked for", async () => {
  const lines: unknown[][] = [];
  const logger = (scope: string): Logger => ({
    log: (level, message, fields?: LogFields) => void lines.push([scope, level, message, fields]),
    enabled: () => true,
    scope: logger,
  });
  const random = Math.random;
  const context = { appId: "orders", namespace: "default", log: logger(""), now: Date.now, random };
  const exporter = tracingStdout({ fields: { mesh: "blue" } })(context, resource);
  await exporter.export([record, record], AbortSignal.timeout(1_000));
  expect(lines).toEqual([
    ["dapr.runtime.trace", "info", formatSpan(record), { mesh: "blue" }],
    ["dapr.runtime.trace", "info", formatSpan(record), { mesh: "blue" }],
  ]);
});

test.for([
  [{ scope: "" }, "scope"],
  [{ fields: { a: [] } }, "fields"],
  [{ x: 1 }, "x"],
] as const)("options %j are refused", ([options, field]) => {
  // @ts-expect-error: wrong on purpose
  expect(() => tracingStdout(options)).toThrow(field);
});
