import { createMetrics } from "@outrigger/metrics-prometheus";
import { expect, test } from "vitest";
import { samples } from "./samples.ts";

const path = "/v1.0/invoke/myapp/method/hi";

test("says nothing before anything was recorded", () => {
  expect(createMetrics({ appId: "myapp" }).render()).toBe("");
});

test("counts one request in one series", () => {
  const metrics = createMetrics({ appId: "myapp" });
  metrics.httpServer.record("GET", path, 200, 0, 2, 1.7);
  const text = metrics.render();
  expect(samples(text, /request_count/)).toEqual({
    [`dapr_http_server_request_count{app_id="myapp",method="GET",path="${path}",status="200"}`]:
      "1",
  });
  expect(text).toContain("# TYPE dapr_http_server_request_count counter\n");
  expect(text).toContain("# TYPE dapr_http_server_latency histogram\n");
  for (const name of new Set(text.match(/^dapr_\w+(?=\{)/gm))) {
    const family = name.replace(/_(?:bucket|sum)$/, "").replace(/(_latency|_bytes)_count$/, "$1");
    expect(text).toMatch(new RegExp(`^# HELP ${family} \\S.*\\n# TYPE ${family} `, "m"));
  }
});

test("writes labels in the byte order of their names, empty ones too, and the bound last", () => {
  const metrics = createMetrics({ appId: "myapp" });
  metrics.start.componentFailed("nameResolution", "mdns", "init");
  metrics.httpClient.record("GET", "/hi", 200, 0, 2, 3);
  const text = metrics.render();
  expect(text).toContain(
    'component_init_fail_total{app_id="myapp",component="nameResolution",componentName="mdns",reason="init"} 1\n',
  );
  expect(text).toContain(
    'sent_bytes_bucket{app_id="myapp",method="GET",path="/hi",status="",le="1024"} 1\n',
  );
});

test("a value on a bound counts in the next bucket, and the last bucket has them all", () => {
  const metrics = createMetrics({ appId: "a" });
  for (const ms of [1, 1, 2.9, 100_000, 100_000_000]) {
    metrics.httpServer.record("GET", "/x", 200, 1_024, 1_023, ms);
  }
  const found = samples(metrics.render(), /server_(?:latency|request_bytes|response_bytes)/);
  const labels = 'app_id="a",method="GET",path="/x",status="200"';
  const latency = (le: string): string | undefined =>
    found[`dapr_http_server_latency_bucket{${labels},le="${le}"}`];
  expect([latency("1"), latency("2"), latency("3"), latency("100000"), latency("+Inf")]).toEqual([
    "0",
    "2",
    "3",
    "3",
    "5",
  ]);
  expect(found[`dapr_http_server_latency_count{${labels}}`]).toBe("5");
  expect(found['dapr_http_server_request_bytes_bucket{app_id="a",le="1024"}']).toBe("0");
  expect(found['dapr_http_server_response_bytes_bucket{app_id="a",le="1024"}']).toBe("5");
  expect(found).toHaveProperty('dapr_http_server_request_bytes_bucket{app_id="a",le="2048"}', "5");
  expect(found).toHaveProperty([
    'dapr_http_server_request_bytes_bucket{app_id="a",le="1.048576e+06"}',
  ]);
  expect(found).toHaveProperty([
    'dapr_http_server_request_bytes_bucket{app_id="a",le="4.294967296e+09"}',
  ]);
});

test.each<[readonly number[], string]>([
  [[5, 50, 500, 5_000], "5 50 500 5000 +Inf"],
  [[500, 0, 5, 5, 50], "5 50 500 +Inf"],
  [[0.5, 2.5], "0.5 2.5 +Inf"],
  [
    [],
    "1 2 3 4 5 6 8 10 13 16 20 25 30 40 50 65 80 100 130 160 200 250 300 400 500 650 800 1000 2000 5000 10000 20000 50000 100000 +Inf",
  ],
])("latency bounds %j", (latencyBucketsMs, expected) => {
  const metrics = createMetrics({ appId: "a", latencyBucketsMs });
  metrics.httpClient.recordProbe(200, 1);
  const bounds = [...metrics.render().matchAll(/latency_bucket\{.*le="([^"]+)"\}/g)];
  expect(bounds.map(([, bound]) => bound).join(" ")).toBe(expected);
});

test("fractions find their bucket among fractional bounds", () => {
  const metrics = createMetrics({ appId: "a", latencyBucketsMs: [0.5, 2.5, 600.5] });
  const { telemetry } = metrics;
  for (const ms of [0.4, 0.5, 2.4, 2.5, 600.4, 600.6]) telemetry.answered?.("b", "unary", 200, ms);
  const found = samples(metrics.render(), /latency_ms_bucket/);
  expect(Object.values(found)).toEqual(["1", "3", "5", "6"]);
});

test.each([-1, Number.NaN, Number.POSITIVE_INFINITY])("refuses the bound %d", (bound) => {
  expect(() => createMetrics({ appId: "a", latencyBucketsMs: [bound] })).toThrow(
    /latencyBucketsMs/,
  );
});

test.each<[number, string]>([
  [0, "0"],
  [999_999, "999999"],
  [1_000_000, "1e+06"],
  [1_234_567, "1.234567e+06"],
  [0.25, "0.25"],
  [123_456.75, "123456.75"],
  [0.00001, "1e-05"],
])("prints %d as Go does", (value, expected) => {
  const metrics = createMetrics({ appId: "a" });
  metrics.telemetry.answered?.("b", "unary", 200, value);
  expect(metrics.render()).toContain(
    `res_recv_latency_ms_sum{app_id="a",src_app_id="b",status="200"} ${expected}\n`,
  );
});

test.each([
  ["too long", `/${"x".repeat(300)}`],
  ["no ASCII", "/caf\u00e9"],
  ["a line break", '/a\ndapr_fake{x="1"} 1'],
])("a label that is %s costs only its own recordings", (_why, bad) => {
  const metrics = createMetrics({ appId: "a" });
  metrics.httpServer.record("GET", bad, 200, 0, 0, 1);
  metrics.httpServer.record("GET", "/good", 200, 0, 0, 1);
  const text = metrics.render();
  expect(Object.keys(samples(text, /request_count/))).toEqual([
    'dapr_http_server_request_count{app_id="a",method="GET",path="/good",status="200"}',
  ]);
  expect(samples(text)['dapr_http_server_request_bytes_count{app_id="a"}']).toBe("2");
  for (const line of text.split("\n")) expect(line).toMatch(/^(?:# |dapr_\w+\{[^\n]*\} \S+$|$)/);
});

test("quotes and backslashes in a label are escaped", () => {
  const metrics = createMetrics({ appId: "a" });
  metrics.httpServer.record("GET", '/"\\', 200, 0, 0, 1);
  expect(metrics.render()).toContain('path="/\\"\\\\"');
});
