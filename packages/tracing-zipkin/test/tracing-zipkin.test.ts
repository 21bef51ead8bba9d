import { silentLogger } from "@outrigger/core";
import type { SpanExporter, SpanRecord } from "@outrigger/tracing";
import { toZipkinSpan, tracingZipkin } from "@outrigger/tracing-zipkin";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Collector, startCollector } from "./collector.ts";

const resource = { serviceName: "orders", attributes: { "service.name": "orders" } };
const record: SpanRecord = {
  name: "CallLocal/stock/Reserve",
  kind: "client",
  traceId: "0af7651916cd43dd8448eb211c80319c",
  spanId: "b7ad6b7169203331",
  parentSpanId: "00f067aa0ba902b7",
  traceState: "",
  flags: 1,
  startMs: 1_700_000_000_000.25,
  durationMs: 1.5,
  attributes: new Map([
    ["net.peer.name", "stock"],
    ["server.address", "10.0.0.7"],
  ]),
  error: undefined,
};

let collector: Collector;
beforeEach(async () => {
  collector = await startCollector();
});
afterEach(() => collector.close());

function exporterTo(url: string): SpanExporter {
  const random = Math.random;
  const context = {
    appId: "orders",
    namespace: "default",
    log: silentLogger,
    now: Date.now,
    random,
  };
  return tracingZipkin({ url })(context, resource);
}

test("a span in Zipkin's form: microseconds, lower case, the peer, the tags", () => {
  expect(toZipkinSpan(record, resource)).toEqual({
    traceId: record.traceId,
    parentId: "00f067aa0ba902b7",
    id: record.spanId,
    kind: "CLIENT",
    name: "calllocal/stock/reserve",
    timestamp: 1_700_000_000_000_250,
    duration: 1_500,
    localEndpoint: { serviceName: "orders" },
    remoteEndpoint: { serviceName: "10.0.0.7" },
    tags: {
      "net.peer.name": "stock",
      "otel.scope.name": "dapr-diagnostics",
      "server.address": "10.0.0.7",
      "service.name": "orders",
    },
  });
});

test("a failed root of a server has an error, and neither parent nor peer", () => {
  const failed = { ...record, kind: "server", parentSpanId: undefined, error: "no app" } as const;
  const span = toZipkinSpan(failed, resource);
  expect(span).not.toHaveProperty("parentId");
  expect(span).not.toHaveProperty("remoteEndpoint");
  expect(span.tags).toMatchObject({ error: "no app", "otel.status_code": "ERROR" });
});

test("an instant takes a microsecond: 0 means unknown", () => {
  expect(toZipkinSpan({ ...record, durationMs: 0 }, resource).duration).toBe(1);
});

test("a batch is one request, and 202 alone means that it was taken", async () => {
  const exporter = exporterTo(collector.url);
  await exporter.export([record, record], AbortSignal.timeout(5_000));
  expect(collector.requests).toHaveLength(1);
  expect(collector.requests[0]?.headers["content-type"]).toBe("application/json");
  expect(JSON.parse(collector.requests[0]?.body ?? "")).toHaveLength(2);

  collector.status = 200;
  await expect(exporter.export([record], AbortSignal.timeout(5_000))).rejects.toThrow(
    "failed to send spans to zipkin server with status 200",
  );
});

test("a collector that is away is told by its address", async () => {
  await collector.close();
  const exporter = exporterTo(collector.url);
  await expect(exporter.export([record], AbortSignal.timeout(5_000))).rejects.toThrow(
    /ECONNREFUSED/,
  );
  collector = await startCollector();
});

test.for(["localhost:9411", "/api/v2/spans", "http://", "ftp://zipkin/api", ""])(
  "the URL %j is refused in Dapr's words",
  (url) => {
    expect(() => tracingZipkin({ url })).toThrow("invalid collector URL");
  },
);
