import { emptyBody, type HttpRequest } from "@outrigger/core";
import { expect, test } from "vitest";
import { observationRoutes } from "../src/observe/observation-routes.ts";

async function statusFor(changes: Partial<HttpRequest>, hasToken = false): Promise<number> {
  const routes = observationRoutes({
    graph: () => ({}),
    sidecar: async () => ({}),
    hasToken,
  })(async () => ({ status: 404, headers: [], body: emptyBody }));
  const response = await routes({
    ...{ method: "GET", path: "/outrigger/v1/call-graph", query: "", body: emptyBody },
    ...{ headers: ["Host", "127.0.0.1:3500"], bodyLength: 0, remoteAddress: "127.0.0.1" },
    ...{ signal: new AbortController().signal },
    ...changes,
  });
  return response.status;
}

test.for([
  ["127.0.0.1", 200],
  ["::1", 200],
  ["::ffff:127.0.0.1", 200],
  [undefined, 200],
  ["10.0.0.7", 404],
  ["::ffff:10.0.0.7", 404],
  ["1.127.0.1", 404],
] as const)("without a token, a client at %s gets %d", async ([remoteAddress, status]) => {
  expect(await statusFor({ remoteAddress })).toBe(status);
});

test("with a token, which was checked before, every client is served", async () => {
  expect(await statusFor({ remoteAddress: "10.0.0.7", headers: ["Host", "mesh:3500"] }, true)).toBe(
    200,
  );
});

test.for([
  ["localhost:3500", 200],
  ["[::1]:3500", 200],
  ["127.0.0.1.example", 404],
  ["localhost.example:3500", 404],
] as const)("a request for %s gets %d", async ([host, status]) => {
  expect(await statusFor({ headers: ["host", host] })).toBe(status);
});

test("only the two paths are routes", async () => {
  expect(await statusFor({ path: "/outrigger/v1/sidecar" })).toBe(200);
  expect(await statusFor({ path: "/outrigger/v1/call-graph/" })).toBe(200);
  expect(await statusFor({ path: "/outrigger/v1/../v1/other" })).toBe(404);
  expect(await statusFor({ method: "POST" })).toBe(404);
  expect(await statusFor({ headers: ["Dapr-App-Id", "orders"] })).toBe(404);
});
