import { callGraph } from "@outrigger/call-graph";
import { emptyBody, type ReceivedCall } from "@outrigger/core";
import { expect, test } from "vitest";
import { mergeSnapshots } from "../src/merge-snapshots.ts";
import { readSnapshot, type Snapshot } from "../src/snapshot-schema.ts";

/** What a sidecar that made and took these calls sends. */
function told(
  appId: string,
  calls: readonly (Partial<ReceivedCall> & { from?: string })[],
): Snapshot {
  const graph = callGraph({ appId });
  for (const { from, ...changes } of calls) {
    const call: ReceivedCall = {
      ...{ target: "orders", method: "m", http: { verb: "GET", query: "" }, origin: "http" },
      ...{ contentType: "", typeUrl: "", body: emptyBody, bodyLength: 0 },
      metadata: from === undefined ? [] : ["dapr-caller-app-id", from],
      signal: new AbortController().signal,
      ...changes,
    };
    const token = graph.telemetry.started?.(from === undefined ? "caller" : "callee", call);
    graph.telemetry.finished?.(token, call, undefined, new Error("lost"));
  }
  return readSnapshot(JSON.parse(JSON.stringify(graph.snapshot({ history: true }))));
}

test("both ends of an edge are one edge with two views", () => {
  const { nodes, edges } = mergeSnapshots([
    told("checkout", [{}, {}]),
    told("orders", [{ from: "checkout" }]),
  ]);
  expect(nodes.map(({ id }) => id)).toEqual(["default/checkout", "default/orders"]);
  expect(edges).toHaveLength(1);
  expect(edges[0]).toMatchObject({
    ...{ from: "default/checkout", to: "default/orders", operation: "GET", proven: false },
    caller: { total: 2, errors: 2, lastError: { text: "lost" } },
    callee: { total: 1 },
  });
});

test("instances of one app are added up", () => {
  const { nodes, edges } = mergeSnapshots([told("checkout", [{}]), told("checkout", [{}, {}])]);
  expect(nodes).toHaveLength(2);
  const view = edges[0]?.caller;
  expect(view?.total).toBe(3);
  expect(view?.windows[0]).toMatchObject({ calls: 3, errors: 3, byClass: { failed: 3 } });
  expect(view?.history.reduce((sum, { calls }) => sum + calls, 0)).toBe(3);
});

test("an edge is proven when every callee saw a certificate", () => {
  const peer = { spiffeId: "spiffe://p/ns/default/checkout", trustDomain: "p" };
  const proven = { from: "checkout", peer: { ...peer, namespace: "default", appId: "checkout" } };
  const [edge] = mergeSnapshots([told("orders", [proven])]).edges;
  expect(edge?.proven).toBe(true);
  const both = mergeSnapshots([told("orders", [proven]), told("orders", [{ from: "checkout" }])]);
  expect(both.edges[0]?.proven).toBe(false);
});

test.for([
  null,
  "text",
  {},
  { version: 2, appId: "a", namespace: "b", at: 1, maxEdges: 1, overflowed: 0, edges: [] },
  {
    version: 1,
    appId: "a".repeat(5_000),
    namespace: "b",
    at: 1,
    maxEdges: 1,
    overflowed: 0,
    edges: [],
  },
  { version: 1, appId: "a", namespace: "b", at: 1, maxEdges: 1, overflowed: 0, edges: [{}] },
])("what is no call graph is refused: %j", (value) => {
  expect(() => readSnapshot(value)).toThrow("not with a call graph");
});
