import { type Logger, silentLogger } from "@outrigger/core";
import { createMetrics, type MetricRule } from "@outrigger/metrics-prometheus";
import { expect, test } from "vitest";
import { samples } from "./samples.ts";

function rule(name: string, label: string, regex: Record<string, string>): MetricRule {
  return { name, labels: [{ name: label, regex }] };
}

test.each(["dapr_http_server_request_count", "http/server/request_count"])(
  "a rule rewrites the label of its own metric alone: %s",
  (name) => {
    const rules = [rule(name, "path", { "orders/NUMBER": "orders/[0-9]+" })];
    const metrics = createMetrics({ appId: "a", rules });
    for (const id of ["7", "8"]) metrics.httpServer.record("GET", `/orders/${id}`, 200, 0, 0, 1);
    expect(samples(metrics.render(), /re\w+_count\{.*path/)).toEqual({
      'dapr_http_server_request_count{app_id="a",method="GET",path="/orders/NUMBER",status="200"}':
        "2",
      'dapr_http_server_response_count{app_id="a",method="GET",path="/orders/7",status="200"}': "1",
      'dapr_http_server_response_count{app_id="a",method="GET",path="/orders/8",status="200"}': "1",
    });
  },
);

test.each(["dapr_grpc_io_server_completed_rpcs", "grpc.io_server_completed_rpcs"])(
  "both names of a gRPC family do: %s",
  (name) => {
    const rules = [rule(name, "grpc_server_method", { "/short": "/very\\.Long/Name" })];
    const metrics = createMetrics({ appId: "a", rules });
    metrics.grpcServer.record("/very.Long/Name", 0, 1, -1, 0);
    expect(metrics.render()).toContain('grpc_server_method="/short",grpc_server_status="OK"} 1\n');
  },
);

test("groups, flags and classes are read as in Go, and later rules replace earlier ones", () => {
  const name = "dapr_http_server_request_count";
  const rules = [
    rule(name, "path", { wrong: ".*" }),
    rule(name, "path", { "${kind}/$1$$": "(?i)(?P<kind>ORDERS)/[[:digit:]]+" }),
    rule(name, "app_id", { b: "a" }),
  ];
  const metrics = createMetrics({ appId: "a", rules });
  metrics.httpServer.record("GET", "/orders/12", 200, 0, 0, 1);
  expect(metrics.render()).toContain('{app_id="b",method="GET",path="/orders/orders$",');
});

test("a value may be rewritten into one that fits", () => {
  const rules = [rule("dapr_http_server_request_count", "path", { "/x": "/x+" })];
  const metrics = createMetrics({ appId: "a", rules });
  metrics.httpServer.record("GET", `/${"x".repeat(400)}`, 200, 0, 0, 1);
  expect(metrics.render()).toContain('request_count{app_id="a",method="GET",path="/x"');
});

test("a pattern that is none is told and no rule is used", () => {
  const lines: string[] = [];
  const log: Logger = { ...silentLogger, log: (level, text) => lines.push(`${level} ${text}`) };
  const name = "dapr_http_server_request_count";
  const rules = [rule(name, "path", { y: "/x" }), rule(name, "method", { x: "([" })];
  const metrics = createMetrics({ appId: "a", rules, log });
  expect(lines).toEqual([
    expect.stringContaining(`error failed to compile regex for rule ${name}`),
  ]);
  metrics.httpServer.record("GET", "/x", 200, 0, 0, 1);
  expect(metrics.render()).toContain('method="GET",path="/x"');
});
