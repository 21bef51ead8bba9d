import type { CallGraphSnapshot, GraphEdge } from "@outrigger/call-graph";
import { afterAll, beforeAll, expect, test } from "vitest";
import { call, Mesh, type SidecarProcess, waitFor } from "./mesh.ts";

const mesh = new Mesh();
let checkout: SidecarProcess;
let orders: SidecarProcess;

beforeAll(async () => {
  const app = await mesh.app((request, response) => {
    response.statusCode = request.url === "/missing" ? 404 : 200;
    response.end(`${request.url}`);
  });
  orders = await mesh.sidecar("orders", { appPort: app.port });
  checkout = await mesh.sidecar("checkout", { flags: ["--dapr-listen-addresses", "0.0.0.0"] });
});

afterAll(() => mesh.close());

async function graphOf(sidecar: SidecarProcess, query = ""): Promise<CallGraphSnapshot> {
  const answer = await call(sidecar.httpPort, "GET", `/outrigger/v1/call-graph${query}`);
  expect(answer.status).toBe(200);
  expect(answer.headers["content-type"]).toBe("application/json");
  return JSON.parse(answer.body) as CallGraphSnapshot;
}

function edgeOf({ edges }: CallGraphSnapshot, operation: string): GraphEdge {
  const found = edges.find((edge) => edge.operation === operation);
  if (found === undefined) throw new Error(`no edge for ${operation}: ${JSON.stringify(edges)}`);
  return found;
}

test("both sidecars tell of the calls between them", async () => {
  for (const path of ["new", "new", "missing"]) {
    await call(checkout.httpPort, "POST", `/v1.0/invoke/orders/method/${path}`, { body: "1" });
  }
  await call(checkout.httpPort, "GET", "/v1.0/invoke/nobody.here.at-all/method/x");
  const seen = await graphOf(checkout, "?history=1");
  const posts = edgeOf(seen, "POST");
  expect(posts).toMatchObject({
    side: "caller",
    caller: { appId: "checkout", namespace: "default", kind: "app" },
    callee: { appId: "orders", namespace: "default", kind: "app" },
    ...{ total: 3, errors: 1, inFlight: 0 },
    lastError: { code: "4xx", text: "HTTP status 404" },
  });
  expect(posts.endpoint).toMatch(/^127\.0\.0\.1:\d+$/);
  expect(posts.windows[0]).toMatchObject({ calls: 3, errors: 1, byClass: { "2xx": 2, "4xx": 1 } });
  expect(posts.windows[0]?.latency?.p50Ms).toBeGreaterThan(0);
  expect(posts.history?.reduce((sum, { calls }) => sum + calls, 0)).toBe(3);
  expect(edgeOf(seen, "GET").windows[0]?.byClass).toEqual({ unresolved: 1 });
  const received = edgeOf(await graphOf(orders), "POST");
  expect(received).toMatchObject({ side: "callee", total: 3, caller: { appId: "checkout" } });
});

test("a sidecar tells what it is made of", async () => {
  const answer = await call(checkout.httpPort, "GET", "/outrigger/v1/sidecar");
  const told = JSON.parse(answer.body) as { resolver: unknown; config: unknown };
  expect(told).toMatchObject({
    ...{ version: 1, appId: "checkout", namespace: "default", mode: "standalone" },
    httpPort: checkout.httpPort,
    mtls: { enabled: false },
    resolver: { name: "resolver-mdns", targets: [{ appId: "orders" }] },
    config: { nameResolution: "mdns" },
  });
});

test("other requests on these paths go the way that Dapr's go", async () => {
  const path = "/outrigger/v1/call-graph";
  const invoked = await call(checkout.httpPort, "GET", path, {
    headers: { "dapr-app-id": "orders" },
  });
  expect(invoked.body).toBe(path);
  const posted = await call(checkout.httpPort, "POST", path, { body: "x" });
  expect([posted.status, JSON.parse(posted.body)]).toMatchObject([
    404,
    { errorCode: "ERR_DIRECT_INVOKE" },
  ]);
  expect((await call(checkout.httpPort, "GET", "/outrigger/v1/other")).status).toBe(404);
});

test("websites whose name leads here get nothing", async () => {
  const answer = await call(checkout.httpPort, "GET", "/outrigger/v1/call-graph", {
    headers: { host: "rebound.example:3500" },
  });
  expect(answer.status).toBe(404);
});

test("the token of the API protects the routes as well", async () => {
  const guarded = await mesh.sidecar("guarded", { env: { DAPR_API_TOKEN: "let-me-in" } });
  for (const path of ["/outrigger/v1/call-graph", "/outrigger/v1/sidecar"]) {
    expect((await call(guarded.httpPort, "GET", path)).status).toBe(401);
    const headers = { "dapr-api-token": "let-me-in", host: "guarded.internal" };
    expect((await call(guarded.httpPort, "GET", path, { headers })).status).toBe(200);
  }
});

test("calls under way are counted", async () => {
  const waiting: (() => void)[] = [];
  const slow = await mesh.app((request, response) => {
    if (request.method === "PUT") waiting.push(() => response.end("late"));
    else response.end("{}");
  });
  await mesh.sidecar("slow", { appPort: slow.port });
  const pending = call(checkout.httpPort, "PUT", "/v1.0/invoke/slow/method/x", { body: "1" });
  await waitFor(async () => waiting.length > 0, "the call to arrive");
  expect(edgeOf(await graphOf(checkout), "PUT").inFlight).toBe(1);
  for (const answer of waiting) answer();
  expect((await pending).body).toBe("late");
  expect(edgeOf(await graphOf(checkout), "PUT").inFlight).toBe(0);
});
