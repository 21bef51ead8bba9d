import assert from "node:assert/strict";
import type { ConformanceCase } from "../case.ts";
import type { MetricsSubject } from "./metrics-subject.ts";
import { measured, parseScrape, scrapeOf, shown } from "./scrape.ts";

const count = "dapr_http_server_request_count";
const responses = "dapr_http_server_response_count";

/** Values of labels that clients choose. */
export const metricsLabelCases: readonly ConformanceCase<MetricsSubject>[] = [
  {
    id: "metrics/labels/verbs-excluded",
    title: "verbs are left empty when they are excluded",
    async run(subject) {
      const scrape = await scrapeOf(subject, { http: { excludeVerbs: true } }, (recorder) => {
        for (const method of ["GET", "POST"]) recorder.httpServed(measured({ method }));
      });
      assert.deepEqual(shown(scrape, count, ["app_id", "path"]), ["method=,status=200 2"]);
    },
  },
  {
    id: "metrics/labels/verb-unknown",
    title: "a verb that HTTP does not know is `UNKNOWN`",
    async run(subject) {
      const scrape = await scrapeOf(subject, {}, (recorder) => {
        for (const method of ["BREW", "GRIND"]) recorder.httpServed(measured({ method }));
      });
      assert.deepEqual(shown(scrape, count, ["app_id", "path"]), ["method=UNKNOWN,status=200 2"]);
    },
  },
  {
    id: "metrics/labels/unfit-values",
    title: "a value that is too long or not ASCII spoils neither the request nor the scrape",
    async run(subject) {
      const scrape = await scrapeOf(subject, {}, (recorder) => {
        for (const path of [`/${"x".repeat(300)}`, "/größe", '/"\n{}\\', "/\ud800"]) {
          recorder.httpServed(measured({ path }));
          recorder.telemetry.sent?.(path, "unary");
        }
        recorder.httpServed(measured({ path: "/fine" }));
      });
      assert.ok(shown(scrape, count).some((line) => line.includes("path=/fine,")));
    },
  },
  {
    id: "metrics/labels/rule-is-narrow",
    title: "a rule rewrites the label of its own metric and no other",
    appliesTo: ({ features }) => features?.rules !== false,
    async run(subject) {
      const labels = [{ name: "path", regex: { "/orders/N": "/orders/[0-9]+" } }];
      const scrape = await scrapeOf(subject, { rules: [{ name: count, labels }] }, (recorder) => {
        for (const id of [7, 8]) recorder.httpServed(measured({ path: `/orders/${id}` }));
      });
      const pathsOnly = ["app_id", "method", "status"];
      assert.deepEqual(shown(scrape, count, pathsOnly), ["path=/orders/N 2"]);
      assert.deepEqual(shown(scrape, responses, pathsOnly), [
        "path=/orders/7 1",
        "path=/orders/8 1",
      ]);
    },
  },
  {
    id: "metrics/labels/rule-broken",
    title: "a rule whose pattern is none stops nothing",
    appliesTo: ({ features }) => features?.rules !== false,
    async run(subject) {
      const labels = [{ name: "path", regex: { x: "([" } }];
      const scrape = await scrapeOf(subject, { rules: [{ name: count, labels }] }, (recorder) => {
        recorder.httpServed(measured({ path: "/orders/7" }));
      });
      assert.equal(shown(scrape, count).length, 1);
    },
  },
  {
    id: "metrics/labels/bounded",
    title: "ten thousand paths and app ids of a hostile client keep the series bounded",
    async run(subject) {
      const recorder = await subject.make({ appId: "orders" });
      for (let index = 0; index < 10_000; index++) {
        recorder.httpServed(measured({ path: `/p/${index}` }));
        recorder.telemetry.sent?.(`app-${index}`, "unary");
      }
      const { samples } = parseScrape(await recorder.scrape());
      for (const name of [count, "dapr_runtime_service_invocation_req_sent_total"]) {
        const own = samples.filter((sample) => sample.name === name);
        assert.ok(own.length > 0 && own.length < 5_000, `${name}: ${own.length} series`);
        const total = own.reduce((sum, { value }) => sum + value, 0);
        assert.equal(total, 10_000, `${name}: nothing is lost`);
      }
    },
  },
];
