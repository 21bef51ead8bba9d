import assert from "node:assert/strict";
import type { ConformanceCase } from "../case.ts";
import type { MetricsSpec, MetricsSubject } from "./metrics-subject.ts";
import { measured, scrapeOf, shown } from "./scrape.ts";

const count = "dapr_http_server_request_count";
const invoke = "/v1.0/invoke/stock/method";

/** Series of served requests as `path count`. */
async function pathsOf(
  subject: MetricsSubject,
  http: MetricsSpec["http"],
  paths: readonly string[],
): Promise<readonly string[]> {
  const scrape = await scrapeOf(subject, http === undefined ? {} : { http }, (recorder) => {
    for (const path of paths) recorder.httpServed(measured({ path }));
  });
  return shown(scrape, count, ["app_id", "method", "status"]);
}

/** How paths become labels. */
export const metricsPathCases: readonly ConformanceCase<MetricsSubject>[] = [
  {
    id: "metrics/paths/low-cardinality",
    title: "low cardinality leaves the path of a request empty",
    async run(subject) {
      const http = { increasedCardinality: false };
      assert.deepEqual(await pathsOf(subject, http, [`${invoke}/a`, `${invoke}/b`]), ["path= 2"]);
    },
  },
  {
    id: "metrics/paths/no-responses",
    title: "low cardinality has no family of responses, high cardinality has one",
    async run(subject) {
      for (const increasedCardinality of [false, true]) {
        const scrape = await scrapeOf(subject, { http: { increasedCardinality } }, (recorder) => {
          recorder.httpServed(measured());
        });
        const found = shown(scrape, "dapr_http_server_response_count").length;
        assert.equal(found, increasedCardinality ? 1 : 0, `${increasedCardinality}`);
      }
    },
  },
  {
    id: "metrics/paths/static",
    title: "low cardinality keeps the app's own routes, such as `/dapr/config`",
    async run(subject) {
      const scrape = await scrapeOf(
        subject,
        { http: { increasedCardinality: false } },
        (recorder) => recorder.appAnswered(measured({ path: "/dapr/config" })),
      );
      assert.deepEqual(shown(scrape, "dapr_http_client_completed_count"), [
        "method=GET,path=/dapr/config,status=200 1",
      ]);
    },
  },
  {
    id: "metrics/paths/patterns",
    title: "a pattern takes all paths that it matches together, of calls to any app too",
    async run(subject) {
      const http = { increasedCardinality: false, pathMatching: ["/orders/{orderID}"] };
      const found = await pathsOf(subject, http, [`${invoke}/orders/1`, `${invoke}/orders/2`]);
      assert.deepEqual(found, ["path=/v1.0/invoke/{app_id}/method/orders/{orderID} 2"]);
    },
  },
  {
    id: "metrics/paths/unmatched-low",
    title: "low cardinality leaves the path empty that no pattern matches",
    async run(subject) {
      const http = { increasedCardinality: false, pathMatching: ["/orders/{orderID}"] };
      assert.deepEqual(await pathsOf(subject, http, ["/items/1"]), ["path= 1"]);
    },
  },
  {
    id: "metrics/paths/unmatched-high",
    title: "high cardinality keeps the path that no pattern matches",
    async run(subject) {
      const http = { increasedCardinality: true, pathMatching: ["/orders/{orderID}"] };
      assert.deepEqual(await pathsOf(subject, http, ["/items/1"]), ["path=/items/1 1"]);
    },
  },
  {
    id: "metrics/paths/doubled-slash",
    title: "a doubled slash at the front still matches",
    async run(subject) {
      const http = { increasedCardinality: false, pathMatching: ["/orders/{orderID}"] };
      assert.deepEqual(await pathsOf(subject, http, ["//orders/1"]), ["path=/orders/{orderID} 1"]);
    },
  },
  {
    id: "metrics/paths/literal-first",
    title: "a literal pattern beats one with a wildcard, whatever the order",
    async run(subject) {
      const pathMatching = ["/orders/{orderID}", "/orders/latest"];
      const http = { increasedCardinality: false, pathMatching };
      assert.deepEqual(await pathsOf(subject, http, ["/orders/latest"]), ["path=/orders/latest 1"]);
    },
  },
  {
    id: "metrics/paths/apart",
    title: "a collection and its members stay apart",
    async run(subject) {
      const http = { increasedCardinality: false, pathMatching: ["/orders", "/orders/{orderID}"] };
      const found = await pathsOf(subject, http, ["/orders", "/orders/1", "/orders/2"]);
      assert.deepEqual(found, ["path=/orders 1", "path=/orders/{orderID} 2"]);
    },
  },
];
