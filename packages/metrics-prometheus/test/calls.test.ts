import type { PeerIdentity, ReceivedCall } from "@outrigger/core";
import { createMetrics } from "@outrigger/metrics-prometheus";
import { expect, test } from "vitest";
import { samples } from "./samples.ts";

function callFrom(appId?: string): ReceivedCall {
  return {
    target: "",
    method: "hi",
    http: undefined,
    origin: "http",
    metadata: appId === undefined ? [] : ["Dapr-Caller-App-Id", appId],
    contentType: "",
    typeUrl: "",
    body: new Uint8Array(0),
    bodyLength: 0,
    signal: new AbortController().signal,
  };
}

test("attempts count at the caller, each with its answer", () => {
  const { telemetry, render } = createMetrics({ appId: "a" });
  for (const code of [500, 200]) {
    telemetry.sent?.("b", "unary");
    telemetry.answered?.("b", "unary", code, 2.5);
  }
  telemetry.sent?.("c.prod", "streaming");
  telemetry.answered?.("c.prod", "streaming", 14, 1);
  const prefix = "dapr_runtime_service_invocation_";
  expect(samples(render(), /_(?:total|latency_ms_(?:sum|count))\{/)).toEqual({
    [`${prefix}req_sent_total{app_id="a",dst_app_id="b",type="unary"}`]: "2",
    [`${prefix}req_sent_total{app_id="a",dst_app_id="c.prod",type="streaming"}`]: "1",
    [`${prefix}res_recv_latency_ms_count{app_id="a",src_app_id="b",status="200"}`]: "1",
    [`${prefix}res_recv_latency_ms_count{app_id="a",src_app_id="b",status="500"}`]: "1",
    [`${prefix}res_recv_latency_ms_sum{app_id="a",src_app_id="b",status="200"}`]: "2.5",
    [`${prefix}res_recv_latency_ms_sum{app_id="a",src_app_id="b",status="500"}`]: "2.5",
    [`${prefix}res_recv_total{app_id="a",src_app_id="b",status="200",type="unary"}`]: "1",
    [`${prefix}res_recv_total{app_id="a",src_app_id="b",status="500",type="unary"}`]: "1",
    [`${prefix}res_recv_total{app_id="a",src_app_id="c.prod",status="14",type="streaming"}`]: "1",
  });
});

test("the callee counts under its caller's id", () => {
  const { telemetry, render } = createMetrics({ appId: "b" });
  for (const call of [callFrom("a"), callFrom("a"), callFrom()]) {
    telemetry.received?.(call);
    telemetry.replied?.(call, 200);
  }
  const prefix = "dapr_runtime_service_invocation_";
  expect(samples(render())).toEqual({
    [`${prefix}req_recv_total{app_id="b",src_app_id="a"}`]: "2",
    [`${prefix}req_recv_total{app_id="b",src_app_id="unknown"}`]: "1",
    [`${prefix}res_sent_total{app_id="b",dst_app_id="a",status="200"}`]: "2",
    [`${prefix}res_sent_total{app_id="b",dst_app_id="unknown",status="200"}`]: "1",
  });
});

test("decisions of access control tell of the caller", () => {
  const { telemetry, render } = createMetrics({ appId: "b" });
  const peer: PeerIdentity = {
    spiffeId: "spiffe://public/ns/shop/a",
    trustDomain: "public",
    namespace: "shop",
    appId: "a",
  };
  telemetry.judged?.(undefined, { allowed: true, reason: "" });
  telemetry.judged?.(peer, { allowed: true, reason: "", scope: "app" });
  telemetry.judged?.(peer, { allowed: false, reason: "", scope: "app" });
  telemetry.judged?.(peer, { allowed: false, reason: "", scope: "global" });
  const labels = '{app_id="a",namespace="shop",trustDomain="public"}';
  expect(samples(render())).toEqual({
    'dapr_runtime_acl_global_policy_action_allowed_total{app_id="",namespace="",trustDomain=""}':
      "1",
    [`dapr_runtime_acl_app_policy_action_allowed_total${labels}`]: "1",
    [`dapr_runtime_acl_app_policy_action_blocked_total${labels}`]: "1",
    [`dapr_runtime_acl_global_policy_action_blocked_total${labels}`]: "1",
  });
});

test("a breaker's life shows at the requests that find it", () => {
  const { resiliency, render } = createMetrics({ appId: "a" });
  resiliency.loaded("policy", "");
  const base = { policy: "circuitbreaker", target: "b" } as const;
  const look = (state: "closed" | "half-open" | "open"): Record<string, string> => {
    resiliency.happened({ ...base, type: "lookup", state });
    return Object.fromEntries(
      Object.entries(samples(render(), /cb_state\{/)).map(([series, value]) => [
        /status="([^"]+)"/.exec(series)?.[1],
        value,
      ]),
    );
  };
  for (let call = 0; call < 3; call++) look("closed");
  resiliency.happened({ ...base, type: "activation", state: "open" });
  expect(look("open")).toEqual({ closed: "0", "half-open": "0", open: "1", unknown: "0" });
  expect(look("half-open")).toEqual({ closed: "0", "half-open": "1", open: "0", unknown: "0" });
  resiliency.happened({ ...base, type: "activation", state: "closed" });
  expect(look("closed")).toEqual({ closed: "1", "half-open": "0", open: "0", unknown: "0" });
  const labels = (status: string): string =>
    `{app_id="a",flow_direction="outbound",name="policy",namespace="",policy="circuitbreaker",status="${status}",target="app_b"}`;
  expect(samples(render(), /_count|activations|loaded/)).toEqual({
    'dapr_resiliency_loaded{app_id="a",name="policy",namespace=""}': "1",
    [`dapr_resiliency_count${labels("closed")}`]: "4",
    [`dapr_resiliency_count${labels("open")}`]: "1",
    [`dapr_resiliency_count${labels("half-open")}`]: "1",
    [`dapr_resiliency_activations_total${labels("open")}`]: "1",
    [`dapr_resiliency_activations_total${labels("closed")}`]: "1",
  });
});

test("gRPC calls are told with the name of their status", () => {
  const { grpcServer, grpcClient, grpcProbes, render } = createMetrics({ appId: "a" });
  grpcServer.record("/dapr.proto.runtime.v1.Dapr/InvokeService", 5, 1, 10, 0);
  grpcServer.record("/my.Service/Stream", 0, 1, -1, 0);
  grpcClient.record("/dapr.proto.runtime.v1.AppCallback/OnInvoke", 0, 1, 10, 20);
  grpcProbes.record(99, 1);
  const text = render();
  expect(text).toContain('InvokeService",grpc_server_status="NotFound"} 1\n');
  expect(text).toContain("# TYPE dapr_grpc_io_server_server_latency histogram\n");
  expect(text).toContain('OnInvoke",grpc_client_status="OK"} 1\n');
  expect(text).toContain(
    'healthprobes_completed_count{app_id="a",grpc_client_status="Code(99)"} 1',
  );
  expect(text).not.toMatch(/bytes_per_rpc.*my\.Service/);
});

test("error codes count where that is wanted, in their category", () => {
  expect(createMetrics({ appId: "a" }).errorCodes).toBeUndefined();
  const { errorCodes, render } = createMetrics({ appId: "a", recordErrorCodes: true });
  for (const code of ["ERR_DIRECT_INVOKE", "ERR_HEALTH_NOT_READY", "ERR_INTERNAL"]) {
    errorCodes?.record(code);
  }
  expect([...render().matchAll(/category="([^"]+)"/g)].map(([, name]) => name)).toEqual([
    "service-invocation",
    "health",
    "common",
  ]);
});
