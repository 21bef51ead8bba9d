import assert from "node:assert/strict";
import type { ReceivedCall } from "@outrigger/core";
import type { ConformanceCase } from "../case.ts";
import type { BreakerEvent, MetricsSubject } from "./metrics-subject.ts";
import { parseScrape, type Scrape, scrapeOf, shown } from "./scrape.ts";

const calls = "dapr_runtime_service_invocation_";

function callFrom(caller: string | undefined): ReceivedCall {
  return {
    target: "",
    method: "hi",
    http: undefined,
    origin: "http",
    metadata: caller === undefined ? [] : ["dapr-caller-app-id", caller],
    contentType: "",
    typeUrl: "",
    body: new Uint8Array(0),
    bodyLength: 0,
    signal: new AbortController().signal,
  };
}

/** Values of the states that are not 0. */
function statesOf({ samples }: Scrape): Readonly<Record<string, number>> {
  const states = samples.filter(({ name }) => name === "dapr_resiliency_cb_state");
  return Object.fromEntries(
    states
      .filter(({ value }) => value !== 0)
      .map(({ labels, value }) => [labels.get("status") ?? "", value]),
  );
}

const lookup = (state: BreakerEvent["state"]): BreakerEvent => ({
  type: "lookup",
  target: "stock",
  state,
});
const opened: BreakerEvent = { type: "activation", target: "stock", state: "open" };

/** Calls between sidecars, and what policies and failures make of them. */
export const metricsCallCases: readonly ConformanceCase<MetricsSubject>[] = [
  {
    id: "metrics/calls/attempts-sent",
    title: "the caller counts every attempt that it sends, by target and form",
    async run(subject) {
      const scrape = await scrapeOf(subject, {}, ({ telemetry }) => {
        for (let attempt = 0; attempt < 3; attempt++) telemetry.sent?.("stock", "unary");
        telemetry.sent?.("mail", "streaming");
      });
      assert.deepEqual(shown(scrape, `${calls}req_sent_total`, []), [
        "app_id=orders,dst_app_id=mail,type=streaming 1",
        "app_id=orders,dst_app_id=stock,type=unary 3",
      ]);
    },
  },
  {
    id: "metrics/calls/answers",
    title: "the caller counts answers by status and measures their latency",
    async run(subject) {
      const scrape = await scrapeOf(subject, {}, ({ telemetry }) => {
        for (const code of [500, 200]) telemetry.answered?.("stock", "unary", code, 2.5);
      });
      assert.deepEqual(shown(scrape, `${calls}res_recv_total`), [
        "src_app_id=stock,status=200,type=unary 1",
        "src_app_id=stock,status=500,type=unary 1",
      ]);
      assert.deepEqual(shown(scrape, `${calls}res_recv_latency_ms_sum`), [
        "src_app_id=stock,status=200 2.5",
        "src_app_id=stock,status=500 2.5",
      ]);
    },
  },
  {
    id: "metrics/calls/callee",
    title: "the callee counts requests and replies under the caller's id, `unknown` without one",
    async run(subject) {
      const scrape = await scrapeOf(subject, {}, ({ telemetry }) => {
        for (const call of [callFrom("shop"), callFrom("shop"), callFrom(undefined)]) {
          telemetry.received?.(call);
          telemetry.replied?.(call, 200);
        }
      });
      assert.deepEqual(shown(scrape, `${calls}req_recv_total`), [
        "src_app_id=shop 2",
        "src_app_id=unknown 1",
      ]);
      assert.deepEqual(shown(scrape, `${calls}res_sent_total`), [
        "dst_app_id=shop,status=200 2",
        "dst_app_id=unknown,status=200 1",
      ]);
    },
  },
  {
    id: "metrics/calls/breaker-lookups",
    title: "look-ups count under the state that they find, an opening counts once",
    appliesTo: ({ features }) => features?.breakers !== false,
    async run(subject) {
      const scrape = await scrapeOf(subject, {}, (recorder) => {
        const found = ["closed", "closed", "closed"] as const;
        for (const state of found) recorder.breaker?.(lookup(state));
        recorder.breaker?.(opened);
        recorder.breaker?.(lookup("open"));
      });
      const rest = ["app_id", "flow_direction", "name", "namespace"];
      assert.deepEqual(shown(scrape, "dapr_resiliency_count", rest), [
        "policy=circuitbreaker,status=closed,target=app_stock 3",
        "policy=circuitbreaker,status=open,target=app_stock 1",
      ]);
      assert.deepEqual(shown(scrape, "dapr_resiliency_activations_total", rest), [
        "policy=circuitbreaker,status=open,target=app_stock 1",
      ]);
    },
  },
  {
    id: "metrics/calls/breaker-state",
    title: "the state of a breaker is 1 for the current one and 0 for the others",
    appliesTo: ({ features }) => features?.breakers !== false,
    async run(subject) {
      const recorder = await subject.make({ appId: "orders" });
      for (const state of ["closed", "open", "half-open", "closed"] as const) {
        recorder.breaker?.(lookup(state));
        const scrape = parseScrape(await recorder.scrape());
        assert.deepEqual(statesOf(scrape), { [state]: 1 }, `after ${state}`);
      }
    },
  },
  {
    id: "metrics/calls/error-codes",
    title: "error codes count once per answer, in their category",
    appliesTo: ({ features }) => features?.errorCodes !== false,
    async run(subject) {
      const scrape = await scrapeOf(subject, { recordErrorCodes: true }, (recorder) => {
        for (let answer = 0; answer < 2; answer++) recorder.errorCode?.("ERR_DIRECT_INVOKE");
      });
      assert.deepEqual(shown(scrape, "dapr_error_code_total"), [
        "category=service-invocation,error_code=ERR_DIRECT_INVOKE 2",
      ]);
    },
  },
  {
    id: "metrics/calls/error-codes-off",
    title: "error codes are not counted unless that is asked for",
    appliesTo: ({ features }) => features?.errorCodes !== false,
    async run(subject) {
      const scrape = await scrapeOf(subject, {}, (recorder) => {
        recorder.errorCode?.("ERR_DIRECT_INVOKE");
      });
      assert.deepEqual(shown(scrape, "dapr_error_code_total"), []);
    },
  },
];
