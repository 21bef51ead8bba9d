import { PerformanceObserver } from "node:perf_hooks";
import { setImmediate as turn } from "node:timers/promises";
import { silentLogger } from "@outrigger/core";
import { createMetrics } from "@outrigger/metrics-prometheus";
import { expect, test } from "vitest";

/** How often memory was collected while work was done: nothing allocated means never. */
async function collections(work: () => void): Promise<number> {
  let count = 0;
  const observer = new PerformanceObserver((list) => {
    count += list.getEntries().length;
  });
  observer.observe({ entryTypes: ["gc"] });
  work();
  for (let turns = 0; turns < 3; turns++) await turn();
  observer.disconnect();
  return count;
}

test("recording on a known series allocates nothing", async () => {
  const metrics = createMetrics({ appId: "a" });
  const { telemetry, httpServer, grpcServer } = metrics;
  const record = (): void => {
    for (let index = 0; index < 1_000_000; index++) {
      httpServer.record("GET", "/v1.0/invoke/b/method/hi", 200, 10, 20, index & 255);
      telemetry.sent?.("b", "unary");
      telemetry.answered?.("b", "unary", 200, index & 255);
      grpcServer.record("/x/Y", 0, 1, 10, 20);
    }
  };
  record();
  // One object of 16 bytes per recording would be 64 MB: several collections in every round. The
  // compiler and the test runner have memory of their own, so the best round counts.
  let fewest = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 5 && fewest > 1; round++) {
    fewest = Math.min(fewest, await collections(record));
  }
  expect(fewest).toBeLessThanOrEqual(1);
});

test("hostile paths, verbs, statuses and app ids end in shared series", () => {
  const lines: string[] = [];
  const log = { ...silentLogger, log: (_level: string, text: string) => lines.push(text) };
  const metrics = createMetrics({ appId: "a", maxSeries: 50, log });
  for (let index = 0; index < 20_000; index++) {
    metrics.httpServer.record(`V${index}`, `/p/${index}`, 100 + (index % 900), 0, 0, 1);
    metrics.telemetry.sent?.(`app-${index}`, "unary");
    metrics.grpcServer.record(`/m/${index}`, index % 17, 1, 1, 1);
  }
  const text = metrics.render();
  expect(text).toContain('dst_app_id="_overflow",type="unary"} 19950\n');
  expect(text).toContain('path="_overflow"');
  expect(metrics.seriesCount).toBeLessThan(12 * 1_100);
  const total = [...text.matchAll(/^dapr_http_server_request_count\{.*\} (\d+)$/gm)];
  expect(total.reduce((sum, [, count]) => sum + Number(count), 0)).toBe(20_000);
  // Once per family.
  expect(lines.filter((line) => line.includes("req_sent_total"))).toHaveLength(1);
});

test("series that were there before the bound was reached stay exact", () => {
  const metrics = createMetrics({ appId: "a", maxSeries: 2 });
  for (const path of ["/a", "/b", "/c", "/a", "/d"]) {
    metrics.httpServer.record("GET", path, 200, 0, 0, 1);
  }
  const text = metrics.render();
  expect(text).toContain('request_count{app_id="a",method="GET",path="/a",status="200"} 2\n');
  expect(text).toContain(
    'request_count{app_id="a",method="GET",path="_overflow",status="200"} 2\n',
  );
});
