import { createMetrics, type MetricsOptions } from "@outrigger/metrics-prometheus";
import { expect, test } from "vitest";
import { samples } from "./samples.ts";

function serverPaths(http: MetricsOptions["http"], ...paths: string[]): string[] {
  const metrics = createMetrics({ appId: "a", ...(http === undefined ? {} : { http }) });
  for (const path of paths) metrics.httpServer.record("GET", path, 200, 0, 0, 1);
  return Object.entries(samples(metrics.render(), /request_count/)).map(
    ([series, count]) => `${/path="([^"]*)"/.exec(series)?.[1]} ${count}`,
  );
}

const invoke = "/v1.0/invoke/b/method";
const anyApp = "/v1.0/invoke/{app_id}/method";

test("low cardinality empties the path, except for what the sidecar itself asks", () => {
  const metrics = createMetrics({ appId: "a", http: { increasedCardinality: false } });
  metrics.httpServer.record("GET", `${invoke}/hi`, 200, 0, 0, 1);
  metrics.httpClient.record("GET", "/dapr/config", 200, 0, 0, 1);
  metrics.httpClient.record("GET", "/hi", 200, 0, 0, 1);
  const text = metrics.render();
  expect(text).toContain('request_count{app_id="a",method="GET",path="",status="200"} 1\n');
  expect(text).not.toContain("response_count");
  expect(Object.keys(samples(text, /client_completed/))).toEqual([
    'dapr_http_client_completed_count{app_id="a",method="GET",path="/dapr/config",status="200"}',
    'dapr_http_client_completed_count{app_id="a",method="GET",path="",status="200"}',
  ]);
});

test("patterns gather calls of all apps", () => {
  const http = {
    increasedCardinality: false,
    pathMatching: ["/orders/{orderID}", "/orders", "/orders/new", "/orders"],
  };
  const paths = ["/orders/1", "/orders/2", "//orders/3", "/orders", "/orders/new", "/items/7"];
  expect(serverPaths(http, ...paths.map((path) => `${invoke}${path}`))).toEqual([
    `${anyApp}/orders/{orderID} 3`,
    `${anyApp}/orders 1`,
    `${anyApp}/orders/new 1`,
    " 1",
  ]);
});

test("with high cardinality what no pattern takes keeps its path", () => {
  const http = { pathMatching: ["/orders/{orderID}"] };
  expect(serverPaths(http, `${invoke}/orders/1`, `${invoke}/items/7`)).toEqual([
    `${anyApp}/orders/{orderID} 1`,
    `${invoke}/items/7 1`,
  ]);
  const metrics = createMetrics({ appId: "a", http });
  metrics.httpServer.record("GET", "/x", 200, 0, 0, 1);
  expect(metrics.render()).toContain("dapr_http_server_response_count{");
});

test.each<[string, readonly string[], string, string]>([
  ["the exact end", ["/a/{$}", "/a/{x}"], "/a/", "/a/{$}"],
  ["a trailing slash takes what is below", ["/a/"], "/a/b/c", "/a/"],
  ["a trailing slash does not take the path without it", ["/a/"], "/a", ""],
  ["a rest takes all segments", ["/files/{path...}"], "/files/a/b", "/files/{path...}"],
  ["one segment is not two", ["/a/{x}"], "/a/b/c", ""],
  ["a literal is more specific, in any order", ["/a/{x}", "/a/b"], "/a/b", "/a/b"],
  ["a longer way that fails falls back", ["/a/b/c", "/a/{x}/d"], "/a/b/d", "/a/{x}/d"],
  ["the root takes everything else", ["/a", "/"], "/zzz/y", "/"],
  ["a full invoke path is no method", [`${anyApp}/x`], `${invoke}/x`, `${anyApp}/x`],
  ["a pattern without its slash", ["orders/{id}"], "/orders/7", "/orders/{id}"],
])("%s", (_what, pathMatching, path, expected) => {
  const http = { increasedCardinality: false, pathMatching };
  expect(serverPaths(http, path)).toEqual([`${expected} 1`]);
});

test.each<[readonly string[], RegExp]>([
  [["/a/{x}", "/{y}/b"], /"\/a\/\{x\}" and "\/\{y\}\/b" match the same paths/],
  [["/a/{x}", "/a/{y}"], /match the same paths/],
  [["/a/{x"], /bad wildcard/],
  [["/a/{x...}/b"], /bad wildcard/],
])("patterns that cannot be told apart end the start: %j", (pathMatching, expected) => {
  expect(() => createMetrics({ appId: "a", http: { pathMatching } })).toThrow(expected);
});

test.each([
  ["/v1.0/state/store/key", "/v1.0/state/store"],
  ["/v1.0/secrets/store/key", "/v1.0/secrets/store"],
  ["/api/state/42/x", "/api/state/42"],
  ["/v1.0/actors/type/id/method/x", "/v1.0/actors/type/{id}/method"],
  ["/actors/type/7", "actors/type/{id}"],
  ["/v1.0/workflows/dapr/7/start", "/v1.0/workflows/dapr/{instanceId}/start"],
  [`${invoke}/a/b/c/d/e`, `${invoke}/a/b/c/d/e`],
  ["/v1.0/healthz", "/v1.0/healthz"],
  ["//a//b", "/a/b"],
  ["hi", "/hi"],
])("the label of %s", (path, expected) => {
  expect(serverPaths(undefined, path)).toEqual([`${expected} 1`]);
});

test("verbs can be left out, and unknown ones are told as such", () => {
  const without = createMetrics({ appId: "a", http: { excludeVerbs: true } });
  without.httpServer.record("GET", "/x", 200, 0, 0, 1);
  without.httpServer.record("POST", "/x", 200, 0, 0, 1);
  expect(without.render()).toContain(
    'request_count{app_id="a",method="",path="/x",status="200"} 2\n',
  );
  const metrics = createMetrics({ appId: "a" });
  for (const verb of ["BREW", "PROPFIND", "get"]) {
    metrics.httpServer.record(verb, "/x", 200, 0, 0, 1);
  }
  expect(metrics.render()).toContain(
    'request_count{app_id="a",method="UNKNOWN",path="/x",status="200"} 3\n',
  );
});
