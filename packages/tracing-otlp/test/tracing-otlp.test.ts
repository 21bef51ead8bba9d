import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { silentLogger } from "@outrigger/core";
import type { SpanExporter, SpanRecord } from "@outrigger/tracing";
import { type TracingOtlpOptions, tracingOtlp } from "@outrigger/tracing-otlp";
import { afterEach, expect, test } from "vitest";

const record: SpanRecord = {
  name: "CallLocal/stock/reserve",
  kind: "client",
  traceId: "0af7651916cd43dd8448eb211c80319c",
  spanId: "b7ad6b7169203331",
  parentSpanId: "00f067aa0ba902b7",
  traceState: "vendor=1",
  flags: 1,
  startMs: 1_700_000_000_000,
  durationMs: 1.5,
  attributes: new Map([["dapr.protocol", "http"]]),
  error: "Code(500): Internal Server Error",
};

interface Received {
  readonly path: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

const closers: (() => Promise<unknown> | undefined)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function httpCollector(): Promise<{ port: number; received: Received[] }> {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    received.push({ path: request.url, headers: request.headers, body: Buffer.concat(chunks) });
    response.writeHead(200, { "content-type": "application/x-protobuf" }).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closers.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return { port: (server.address() as AddressInfo).port, received };
}

async function grpcCollector(): Promise<{ port: number; received: Received[] }> {
  const received: Received[] = [];
  const server = createHttp2Server();
  server.on("session", (session) => closers.push(async () => session.destroy()));
  server.on("stream", async (stream, headers) => {
    const chunks: Buffer[] = [];
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).subarray(5);
    received.push({ path: headers[":path"], headers, body });
    stream.respond(
      { ":status": 200, "content-type": "application/grpc" },
      { waitForTrailers: true },
    );
    stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.end(Buffer.alloc(5));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closers.push(() => new Promise((resolve) => server.close(resolve)));
  return { port: (server.address() as AddressInfo).port, received };
}

function exporterOf(options: TracingOtlpOptions): SpanExporter {
  const random = Math.random;
  const context = {
    appId: "orders",
    namespace: "default",
    log: silentLogger,
    now: Date.now,
    random,
  };
  const attributes = { "service.name": "orders" };
  const exporter = tracingOtlp(options)(context, { serviceName: "orders", attributes });
  closers.push(() => exporter.stop?.());
  return exporter;
}

test.for([
  ["http", httpCollector, "/v1/traces", "application/x-protobuf"],
  [
    "grpc",
    grpcCollector,
    "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    "application/grpc",
  ],
] as const)(
  "spans arrive over %s with the headers given, and not those of the environment",
  async ([protocol, start, path, type]) => {
    process.env.OTEL_EXPORTER_OTLP_HEADERS = "x-env=1";
    process.env.OTEL_EXPORTER_OTLP_TRACES_HEADERS = "x-env-traces=1";
    try {
      const { port, received } = await start();
      const exporter = exporterOf({
        protocol,
        endpoint: `127.0.0.1:${port}`,
        secure: false,
        headers: { "x-key": "a secret, 100%" },
      });
      await exporter.export([record], AbortSignal.timeout(5_000));

      expect(received).toHaveLength(1);
      const [request] = received;
      expect(request?.path).toBe(path);
      expect(request?.headers["content-type"]).toBe(type);
      expect(request?.headers["x-key"]).toBe("a secret, 100%");
      expect(request?.headers).not.toHaveProperty("x-env");
      expect(request?.headers).not.toHaveProperty("x-env-traces");
      expect(process.env.OTEL_EXPORTER_OTLP_HEADERS).toBe("x-env=1");
      expect(process.env.OTEL_EXPORTER_OTLP_TRACES_HEADERS).toBe("x-env-traces=1");
      const text = request?.body.toString("latin1");
      for (const part of ["service.name", "orders", "dapr-diagnostics", "vendor=1"]) {
        expect(text).toContain(part);
      }
    } finally {
      delete process.env.OTEL_EXPORTER_OTLP_HEADERS;
      delete process.env.OTEL_EXPORTER_OTLP_TRACES_HEADERS;
    }
  },
);

test("the message is an ExportTraceServiceRequest, byte by byte", async () => {
  const { port, received } = await httpCollector();
  const exporter = exporterOf({
    protocol: "http",
    endpoint: `127.0.0.1:${port}`,
    secure: false,
  });
  await exporter.export([{ ...record, attributes: new Map() }], AbortSignal.timeout(5_000));

  const resource = field(1, field(1, field(1, "service.name"), field(2, field(1, "orders"))));
  const span = field(
    2,
    field(1, Buffer.from(record.traceId, "hex")),
    field(2, Buffer.from(record.spanId, "hex")),
    field(3, "vendor=1"),
    field(4, Buffer.from("00f067aa0ba902b7", "hex")),
    field(5, "CallLocal/stock/reserve"),
    Buffer.from([6 * 8, 3]),
    fixed64(7, 1_700_000_000_000_000_000n),
    fixed64(8, 1_700_000_000_001_500_000n),
    field(15, field(2, "Code(500): Internal Server Error"), Buffer.from([3 * 8, 2])),
    Buffer.from([0x85, 0x01, 0x01, 0x03, 0x00, 0x00]),
  );
  const scope = field(2, field(1, field(1, "dapr-diagnostics")), span);
  const schema = field(3, "https://opentelemetry.io/schemas/1.25.0");
  expect(received[0]?.body.toString("hex")).toBe(field(1, resource, scope, schema).toString("hex"));
});

test("a collector that is away rejects, whatever the protocol", async () => {
  const { port } = await httpCollector();
  for (const close of closers.splice(0)) await close();
  for (const protocol of ["grpc", "http"] as const) {
    const endpoint = `127.0.0.1:${port}`;
    const exporter = exporterOf({ protocol, endpoint, secure: false, timeoutMs: 500 });
    await expect(exporter.export([record], AbortSignal.timeout(5_000))).rejects.toThrow();
  }
});

test.for([
  [{ endpoint: "" }, "endpoint"],
  [{ endpoint: "c:4317", protocol: "carrier" }, "protocol"],
  [{ endpoint: "c:4317", timeoutMs: 0 }, "timeoutMs"],
  [{ endpoint: "c:4317", isSecure: true }, "isSecure"],
] as const)("options %j are refused", ([options, name]) => {
  // @ts-expect-error: wrong on purpose
  expect(() => tracingOtlp(options)).toThrow(name);
});

/** A length-delimited field of parts. */
function field(number: number, ...parts: (Buffer | string)[]): Buffer {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part)));
  const length = body.length < 128 ? [body.length] : [(body.length % 128) | 128, body.length >> 7];
  return Buffer.concat([Buffer.from([number * 8 + 2, ...length]), body]);
}

function fixed64(number: number, value: bigint): Buffer {
  const bytes = Buffer.alloc(9);
  bytes[0] = number * 8 + 1;
  bytes.writeBigUInt64LE(value, 1);
  return bytes;
}
