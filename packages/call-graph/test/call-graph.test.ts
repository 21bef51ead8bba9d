import { callGraph, type GraphEdge } from "@outrigger/call-graph";
import { OutriggerError, type OutriggerErrorCode } from "@outrigger/core";
import { describe, expect, test } from "vitest";
import { call, TestGraph } from "./calls.ts";

function only(edges: readonly GraphEdge[]): GraphEdge {
  expect(edges).toHaveLength(1);
  return edges[0] as GraphEdge;
}

function windowOf(edge: GraphEdge, windowMs: number): GraphEdge["windows"][number] {
  const found = edge.windows.find((window) => window.windowMs === windowMs);
  if (found === undefined) throw new Error(`no window of ${windowMs} ms`);
  return found;
}

const error = (code: OutriggerErrorCode): OutriggerError => new OutriggerError("why", { code });

describe("edges", () => {
  test("tells caller, callee and operation apart", () => {
    const test = new TestGraph();
    test.run(1);
    test.run(1, { code: 200 }, { verb: "POST" });
    test.run(1, { code: 0 }, { http: undefined });
    test.run(1, { code: 200 }, { target: "orders.production" });
    const names = test.graph
      .snapshot()
      .edges.map(({ caller, callee, operation }) => [
        `${caller.namespace}/${caller.appId}`,
        `${callee.namespace}/${callee.appId}`,
        operation,
      ]);
    expect(names).toEqual([
      ["default/checkout", "default/orders", "GET"],
      ["default/checkout", "default/orders", "POST"],
      ["default/checkout", "default/orders", "gRPC"],
      ["default/checkout", "production/orders", "GET"],
    ]);
  });

  test("knows callers by their certificate before their claim", () => {
    const test = new TestGraph();
    const metadata = ["dapr-caller-app-id", "claimed", "dapr-caller-namespace", "there"];
    test.run(1, { code: 200 }, { side: "callee", metadata });
    const peer = {
      ...{ spiffeId: "spiffe://public/ns/here/proven", trustDomain: "public" },
      ...{ namespace: "here", appId: "proven" },
    };
    test.run(1, { code: 200 }, { side: "callee", metadata, peer });
    test.run(1, { code: 200 }, { side: "callee" });
    const { edges } = test.graph.snapshot();
    expect(edges.map(({ caller, proven }) => [caller.namespace, caller.appId, proven])).toEqual([
      ["there", "claimed", false],
      ["here", "proven", true],
      ["default", "unknown", false],
    ]);
    expect(
      edges.every(({ callee, side }) => callee.appId === "checkout" && side === "callee"),
    ).toBe(true);
  });

  test("shows of a URL only the origin", () => {
    const test = new TestGraph();
    test.run(1, { code: 200 }, { target: "https://user:secret@example.com/path?key=secret" });
    const edge = only(test.graph.snapshot().edges);
    expect(edge.callee).toEqual({ appId: "https://example.com", namespace: "", kind: "external" });
    expect(JSON.stringify(edge)).not.toContain("secret");
  });

  test("remembers where the newest call went, and its retries", () => {
    const test = new TestGraph();
    test.resolveTo({ appId: "orders", namespace: "default" }, 50_002);
    const edge = only(test.graph.snapshot().edges);
    expect(edge.endpoint).toBe("127.0.0.1:50002");
    expect(edge.windows.map(({ retries }) => retries)).toEqual([1, 1, 1]);
  });
});

describe("counts", () => {
  test("counts calls under way until they end", () => {
    const test = new TestGraph();
    const ends = [1, 2, 3].map(() => test.begin("caller", call()));
    expect(only(test.graph.snapshot().edges).inFlight).toBe(3);
    for (const end of ends) end({ code: 200 });
    const edge = only(test.graph.snapshot().edges);
    expect([edge.inFlight, edge.total]).toEqual([0, 3]);
  });

  test("puts every end into its class", () => {
    const test = new TestGraph();
    for (const code of [200, 204, 302, 404, 503, 0, 5]) test.run(1, { code });
    test.run(1, { failure: error("OTR_POLICY_DENIED") });
    test.run(1, { failure: error("OTR_RESOLVE_NOT_FOUND") });
    test.run(1, { failure: error("OTR_CIRCUIT_OPEN") });
    test.run(1, { failure: error("OTR_TIMEOUT") });
    test.run(1, { failure: error("OTR_PEER_UNAVAILABLE") });
    test.run(1, { failure: error("OTR_ABORTED") });
    test.run(1, { failure: new Error("unforeseen") });
    const rpc = { code: 7, message: "denied by the callee" };
    test.run(1, { failure: new OutriggerError("no", { code: "OTR_PEER_FAILED", rpc }) });
    const edge = only(test.graph.snapshot().edges);
    const { byClass, calls, errors } = windowOf(edge, 10_000);
    expect(byClass).toEqual({
      ...{ "2xx": 2, "3xx": 1, "4xx": 1, "5xx": 1, "grpc-ok": 1, "grpc-error": 1, denied: 2 },
      ...{ unresolved: 1, "circuit-open": 1, timeout: 1, unreachable: 1, aborted: 1, failed: 1 },
    });
    expect([calls, errors, edge.errors]).toEqual([15, 11, 11]);
  });

  test("keeps the last error, cut to a bound", () => {
    const test = new TestGraph();
    test.run(1, { code: 503 });
    expect(only(test.graph.snapshot().edges).lastError).toMatchObject({
      ...{ code: "5xx", text: "HTTP status 503" },
    });
    test.run(5, { failure: new OutriggerError("x".repeat(5_000), { code: "OTR_TIMEOUT" }) });
    const { lastError } = only(test.graph.snapshot().edges);
    expect(lastError?.code).toBe("OTR_TIMEOUT");
    expect(lastError?.text).toHaveLength(200);
    expect(lastError?.at).toBe(1_700_001_000_006);
  });
});

describe("windows", () => {
  test("count what they cover and forget the rest", () => {
    const test = new TestGraph();
    for (let second = 0; second < 100; second += 1) {
      test.run(0);
      test.nowMs += 1_000;
    }
    const edge = only(test.graph.snapshot().edges);
    for (const windowMs of [10_000, 60_000, 300_000]) {
      const { rate, spanMs, calls } = windowOf(edge, windowMs);
      expect(rate).toBeCloseTo(1, 1);
      expect(spanMs).toBeLessThanOrEqual(windowMs * 1.4);
      expect(Math.abs(calls - spanMs / 1_000)).toBeLessThanOrEqual(1);
    }
    test.nowMs += 15_000;
    const later = only(test.graph.snapshot().edges);
    expect(windowOf(later, 10_000)).toMatchObject({ calls: 0, rate: 0 });
    expect(windowOf(later, 10_000)).not.toHaveProperty("latency");
    expect(windowOf(later, 300_000).calls).toBe(100);
    test.nowMs += 1_000_000;
    const empty = only(test.graph.snapshot().edges);
    expect(empty.windows.map(({ calls }) => calls)).toEqual([0, 0, 0]);
    expect(empty.total).toBe(100);
  });

  test("tell the past in steps when asked", () => {
    const test = new TestGraph();
    test.run(10);
    test.nowMs += 60_000;
    test.run(40, { code: 500 });
    const [edge] = test.graph.snapshot({ history: true }).edges;
    const points = edge?.history ?? [];
    expect(points.map(({ calls, errors }) => [calls, errors])).toEqual([
      [1, 0],
      [0, 0],
      [0, 0],
      [1, 1],
    ]);
    expect(points[3]?.p99Ms).toBeGreaterThan(36);
    expect(only(test.graph.snapshot().edges)).not.toHaveProperty("history");
  });
});

describe("quantiles", () => {
  test("are within 6 % of the truth from microseconds to a minute", () => {
    for (const scaleMs of [0.1, 1, 20, 500, 20_000]) {
      const test = new TestGraph();
      const { telemetry } = test.graph;
      const request = call();
      for (let rank = 1; rank <= 1_000; rank += 1) {
        const end = test.nowMs;
        test.nowMs = end - scaleMs * (1 + rank / 500);
        const token = telemetry.started?.("caller", request);
        test.nowMs = end;
        telemetry.finished?.(token, request, undefined, error("OTR_TIMEOUT"));
      }
      const { latency } = windowOf(only(test.graph.snapshot().edges), 60_000);
      for (const [found, rank] of [
        [latency?.p50Ms, 0.5],
        [latency?.p90Ms, 0.9],
        [latency?.p99Ms, 0.99],
      ] as const) {
        const truth = scaleMs * (1 + rank * 2);
        expect(Math.abs((found ?? 0) / truth - 1), `${rank} of ${scaleMs} ms`).toBeLessThan(0.065);
      }
    }
  });
});

describe("the slowest recent trace", () => {
  const trace = (id: string, flags: string) => ({
    traceparent: `00-${id.repeat(32)}-${"b".repeat(16)}-${flags}`,
    tracestate: "",
  });

  test("is kept, sampled before unsampled, and replaced when old", () => {
    const test = new TestGraph();
    const slowest = () => only(test.graph.snapshot().edges).slowest;
    test.run(10, { code: 200 }, { trace: trace("1", "00") });
    test.run(90, { code: 200 }, { trace: trace("2", "00") });
    test.run(20, { code: 200 }, { trace: trace("3", "00") });
    expect(slowest()).toMatchObject({ traceId: "2".repeat(32), sampled: false, durationMs: 90 });
    test.run(5, { code: 200 }, { trace: trace("4", "01") });
    test.run(500, { code: 200 }, { trace: trace("5", "00") });
    expect(slowest()).toMatchObject({ traceId: "4".repeat(32), sampled: true });
    test.nowMs += 300_000;
    test.run(1, { code: 200 }, { trace: trace("6", "00") });
    expect(slowest()?.traceId).toBe("6".repeat(32));
  });
});

describe("bounds", () => {
  test("a client that makes up names shares one edge", () => {
    const test = new TestGraph({ maxEdges: 10 });
    for (let name = 0; name < 5_000; name += 1) {
      test.run(0, { failure: error("OTR_RESOLVE_NOT_FOUND") }, { target: `made-up-${name}` });
      test.run(0, { code: 200 }, { side: "callee", metadata: ["dapr-caller-app-id", `c${name}`] });
      test.run(0, { code: 200 }, { target: "made-up-0", verb: `VERB${name}` });
    }
    const { edges, overflowed } = test.graph.snapshot();
    const others = edges.filter(({ caller, callee }) =>
      [caller, callee].some((p) => p.kind === "other"),
    );
    expect(edges).toHaveLength(10 + others.length);
    expect(others.map(({ side, operation }) => `${side} ${operation}`)).toEqual([
      "caller GET",
      "callee GET",
    ]);
    expect(others.reduce((sum, { total }) => sum + total, 0)).toBe(overflowed);
    expect(edges.reduce((sum, { total }) => sum + total, 0)).toBe(15_000);
  });

  test("a name that is too long takes no place", () => {
    const test = new TestGraph();
    test.run(0, { code: 200 }, { target: "x".repeat(10_000) });
    expect(only(test.graph.snapshot().edges).callee).toEqual({
      ...{ appId: "other", namespace: "", kind: "other" },
    });
  });

  test("edges that nobody uses make room", () => {
    const test = new TestGraph({ maxEdges: 2 });
    test.run(0, { code: 200 }, { target: "a" });
    const under = test.begin("caller", call({ target: "b" }));
    test.nowMs += 300_000;
    test.run(0, { code: 200 }, { target: "c" });
    const targets = () => test.graph.snapshot().edges.map(({ callee }) => callee.appId);
    expect(targets()).toEqual(["b", "c"]);
    under({ code: 200 });
    test.run(0, { code: 200 }, { target: "d" });
    expect(targets()).toEqual(["b", "c", "other"]);
  });

  test("wrong options are refused", () => {
    expect(() => callGraph({ appId: "" })).toThrow("appId");
    expect(() => callGraph({ appId: "a", maxEdges: 0 })).toThrow("maxEdges");
  });
});
