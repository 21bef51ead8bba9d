import {
  type HttpMiddlewareComponent,
  type HttpRequest,
  LiveHttpPipeline,
  silentLogger,
} from "@outrigger/core";
import type { ApiCall } from "@outrigger/ingress-http";
import { afterEach, expect, test } from "vitest";
import { type RunningIngress, startIngress } from "./ingress.ts";

const running: RunningIngress[] = [];
afterEach(async () => {
  for (const { ingress } of running.splice(0)) await ingress.stop?.();
});

async function start(
  handle: HttpMiddlewareComponent["handle"],
  onApiCall?: (call: ApiCall) => void,
): Promise<RunningIngress> {
  const pipeline = new LiveHttpPipeline(silentLogger);
  pipeline.replace([{ name: "test", handle }]);
  const ingress = await startIngress({
    pipeline,
    allowedOrigins: ["http://site"],
    ...(onApiCall === undefined ? {} : { onApiCall }),
  });
  running.push(ingress);
  return ingress;
}

const rewrite =
  (changes: Partial<HttpRequest>): HttpMiddlewareComponent["handle"] =>
  (request, next) =>
    next({ ...request, ...changes });

test("an unknown path that became an invocation is one", async () => {
  const { port, sidecar } = await start(rewrite({ path: "/v1.0/invoke/a/method/m" }));
  expect((await fetch(`http://127.0.0.1:${port}/hello?x=1`)).status).toBe(200);
  expect(sidecar.calls[0]).toMatchObject({ target: "a", method: "m", http: { query: "x=1" } });
});

test("an invocation that became another one is the other one", async () => {
  const { port, sidecar } = await start(rewrite({ path: "/v1.0/invoke/b/method/n" }));
  await fetch(`http://127.0.0.1:${port}/v1.0/invoke/a/method/m`);
  expect(sidecar.calls[0]).toMatchObject({ target: "b", method: "n" });
});

test("fixed routes are found by the path that came, and none by the new one", async () => {
  const away = await start(rewrite({ path: "/v1.0/invoke/a/method/m" }));
  expect((await fetch(`http://127.0.0.1:${away.port}/v1.0/healthz`)).status).toBe(204);
  expect(away.sidecar.calls).toHaveLength(0);
  const there = await start(rewrite({ path: "/v1.0/metadata" }));
  const answer = await fetch(`http://127.0.0.1:${there.port}/unknown`);
  expect([answer.status, await answer.text()]).toEqual([404, expect.stringContaining("app id")]);
});

test("handlers see the app id header, the client's address and every path", async () => {
  const seen: HttpRequest[] = [];
  const { port } = await start((request, next) => {
    seen.push(request);
    return next(request);
  });
  await fetch(`http://127.0.0.1:${port}/m`, { headers: { "dapr-app-id": "a" } });
  await fetch(`http://127.0.0.1:${port}/v1.0/healthz`);
  expect(seen.map(({ path }) => path)).toEqual(["/m", "/v1.0/healthz"]);
  expect(seen[0]?.headers).toContain("dapr-app-id");
  expect(seen[0]?.remoteAddress).toBe("127.0.0.1");
});

test("runs behind CORS and before the log of calls", async () => {
  const logged: ApiCall[] = [];
  const { port } = await start(
    async (request, next) =>
      request.path === "/refused"
        ? { status: 403, headers: [], body: Buffer.alloc(0) }
        : next(request),
    (call) => logged.push(call),
  );
  const headers = { origin: "http://site" };
  const refused = await fetch(`http://127.0.0.1:${port}/refused`, { headers });
  expect([refused.status, refused.headers.get("access-control-allow-origin")]).toEqual([
    403,
    "http://site",
  ]);
  await fetch(`http://127.0.0.1:${port}/v1.0/healthz`);
  expect(logged.map(({ path }) => path)).toEqual(["/v1.0/healthz"]);
});

test("a changed length replaces the declared one", async () => {
  const { port, sidecar } = await start(rewrite({ body: Buffer.from("longer") }));
  await fetch(`http://127.0.0.1:${port}/v1.0/invoke/a/method/m`, { method: "POST", body: "abc" });
  expect(sidecar.calls[0]?.bodyLength).toBe(6);
  const { metadata = [] } = sidecar.calls[0] ?? {};
  const at = metadata.findIndex((name) => name.toLowerCase() === "content-length");
  expect(at < 0 ? "6" : metadata[at + 1]).toBe("6");
});
