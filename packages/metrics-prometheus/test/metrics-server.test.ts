import { connect } from "node:net";
import { gunzipSync } from "node:zlib";
import { type Logger, silentLogger } from "@outrigger/core";
import {
  createMetrics,
  type MetricsServer,
  type MetricsServerOptions,
  metricsServer,
} from "@outrigger/metrics-prometheus";
import { afterEach, expect, test } from "vitest";

const running: MetricsServer[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop?.()));
});

async function start(options: MetricsServerOptions = {}): Promise<number> {
  const server = metricsServer({ host: "127.0.0.1", port: 0, ...options });
  running.push(server);
  await server.start?.(new AbortController().signal);
  return server.address()?.port ?? 0;
}

test.each(["/", "/metrics", "/any/path?x=1"])("answers %s", async (path) => {
  const metrics = createMetrics({ appId: "a" });
  metrics.start.componentLoaded();
  const port = await start({ render: () => metrics.render() });
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { method: "POST" });
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe(
    "text/plain; version=0.0.4; charset=utf-8; escaping=underscores",
  );
  const text = await response.text();
  expect(text).toContain('dapr_runtime_component_loaded{app_id="a"} 1\n');
  for (const name of ["resident_memory_bytes", "start_time_seconds", "cpu_seconds_total"]) {
    expect(text).toMatch(new RegExp(`^process_${name} [\\d.e+]+$`, "m"));
  }
  expect(text).toMatch(/^nodejs_heap_size_used_bytes \S+$/m);
  expect(text).toMatch(/^nodejs_eventloop_lag_p99_seconds \S+$/m);
});

test("tells when the process began", async () => {
  const port = await start();
  const text = await (await fetch(`http://127.0.0.1:${port}/`)).text();
  const [, value] = /^process_start_time_seconds (\S+)$/m.exec(text) ?? [];
  expect(Math.abs(Number(value) - (Date.now() / 1_000 - process.uptime()))).toBeLessThan(2);
});

test.each([
  ["gzip", true],
  ["deflate, gzip;q=0.5", true],
  ["gzip;q=0", false],
  ["identity", false],
])("compresses for %s: %s", async (accepted, zipped) => {
  const port = await start({ render: () => "dapr_x 1\n" });
  const answer = await rawGet(port, accepted);
  const end = answer.indexOf("\r\n\r\n");
  expect(/content-encoding: gzip/i.test(answer.subarray(0, end).toString())).toBe(zipped);
  if (zipped) {
    const body = answer.subarray(answer.indexOf(Buffer.from([0x1f, 0x8b])));
    expect(gunzipSync(body.subarray(0, body.length)).toString()).toContain("dapr_x 1\n");
  }
});

/** The bytes of an answer without chunks. */
function rawGet(port: number, acceptEncoding: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(port, "127.0.0.1");
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.on("end", () => resolve(Buffer.concat(chunks)));
    socket.on("error", reject);
    socket.write(`GET / HTTP/1.0\r\nHost: x\r\nAccept-Encoding: ${acceptEncoding}\r\n\r\n`);
  });
}

test("a port that is taken ends the start in Dapr's words", async () => {
  const port = await start();
  await expect(start({ port })).rejects.toMatchObject({
    code: "OTR_LISTEN_FAILED",
    message: `failed to listen on 127.0.0.1:${port}: listen tcp 127.0.0.1:${port}: bind: address already in use`,
  });
});

test("a port that is none ends the start in the same way", async () => {
  await expect(start({ port: 99_999 })).rejects.toMatchObject({ code: "OTR_LISTEN_FAILED" });
});

test("a failing source costs its scrape alone", async () => {
  const lines: string[] = [];
  const log: Logger = { ...silentLogger, log: (level, text) => lines.push(`${level} ${text}`) };
  let fails = true;
  const render = (): string => {
    if (fails) throw new Error("no");
    return "dapr_x 1\n";
  };
  const port = await start({ render, log });
  expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(500);
  fails = false;
  expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(200);
  expect(lines[0]).toBe(`info metrics server started on 127.0.0.1:${port}/`);
  expect(lines).toContainEqual("error metrics cannot be written: no");
});

test("stops while a scraper keeps its connection, and twice", async () => {
  const server = metricsServer({ host: "127.0.0.1", port: 0 });
  await server.start?.(new AbortController().signal);
  const port = server.address()?.port ?? 0;
  await (await fetch(`http://127.0.0.1:${port}/`)).text();
  await server.stop?.();
  await server.stop?.();
  expect(server.address()).toBeUndefined();
  await expect(fetch(`http://127.0.0.1:${port}/`)).rejects.toThrow();
});
