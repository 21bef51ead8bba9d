import assert from "node:assert/strict";
import type { ConformanceCase } from "../case.ts";
import type { MetricsSubject } from "./metrics-subject.ts";
import { measured, scrapeOf, shown } from "./scrape.ts";

/** The text that Prometheus reads. */
export const metricsScrapeCases: readonly ConformanceCase<MetricsSubject>[] = [
  {
    id: "metrics/scrape/empty-at-first",
    title: "a family shows only after something was recorded",
    async run(subject) {
      const { samples } = await scrapeOf(subject, {}, () => undefined);
      assert.deepEqual(samples, []);
    },
  },
  {
    id: "metrics/scrape/one-request",
    title: "one request is one series with its app, verb, path and status, and the value 1",
    async run(subject) {
      const scrape = await scrapeOf(subject, {}, (recorder) => recorder.httpServed(measured()));
      assert.deepEqual(shown(scrape, "dapr_http_server_request_count", []), [
        "app_id=orders,method=GET,path=/v1.0/invoke/myapp/method/hi,status=200 1",
      ]);
    },
  },
  {
    id: "metrics/scrape/label-order",
    title: "labels stand in the order of their names, `le` at the end",
    async run(subject) {
      const { samples } = await scrapeOf(subject, {}, (recorder) => {
        recorder.httpServed(measured());
        recorder.telemetry.answered?.("stock", "unary", 200, 1);
      });
      for (const { name, labels } of samples) {
        const names = [...labels.keys()];
        const plain = names.filter((label) => label !== "le").sort();
        assert.deepEqual(names, labels.has("le") ? [...plain, "le"] : plain, name);
      }
    },
  },
  {
    id: "metrics/scrape/types",
    title: "every family has its type",
    async run(subject) {
      const { types, samples } = await scrapeOf(subject, {}, (recorder) => {
        recorder.httpServed(measured());
      });
      for (const { name, labels } of samples) {
        const family = labels.has("le") ? name.replace(/_bucket$/, "") : name;
        const known = types.get(family) ?? types.get(family.replace(/_(?:sum|count)$/, ""));
        assert.ok(known !== undefined, `no # TYPE for ${name}`);
      }
      assert.equal(types.get("dapr_http_server_request_count"), "counter");
      assert.equal(types.get("dapr_http_server_latency"), "histogram");
    },
  },
  {
    id: "metrics/scrape/any-path",
    title: "the metrics port answers every path, with the process beside the families",
    appliesTo: ({ serve }) => serve !== undefined,
    async run(subject, signal) {
      const recorder = await subject.make({ appId: "orders" });
      recorder.httpServed(measured());
      const server = await subject.serve?.(recorder);
      try {
        for (const path of ["/", "/metrics", "/any/where?x=1"]) {
          const answer = await fetch(`http://127.0.0.1:${server?.port}${path}`, { signal });
          const text = await answer.text();
          assert.equal(answer.status, 200, path);
          assert.match(answer.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/);
          assert.match(text, /^process_resident_memory_bytes \d/m);
          assert.match(text, /^process_start_time_seconds \d/m);
          assert.match(text, /^dapr_http_server_request_count\{/m);
        }
      } finally {
        await server?.close();
      }
    },
  },
];
