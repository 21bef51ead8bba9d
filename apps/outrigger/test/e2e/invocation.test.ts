import { readFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { call, Mesh, waitFor } from "./mesh.ts";

let mesh: Mesh;
beforeEach(() => {
  mesh = new Mesh();
});
afterEach(() => mesh.close());

test("an app calls another by its id through two sidecars", async () => {
  const app = await mesh.app((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      response.setHeader("Content-Type", "application/json");
      response.end(
        JSON.stringify({
          ...{ method: request.method, url: request.url },
          caller: request.headers["dapr-caller-app-id"],
          body: Buffer.concat(chunks).toString(),
        }),
      );
    });
  });
  await mesh.sidecar("orders", { appPort: app.port });
  const caller = await mesh.sidecar("checkout");

  const direct = await call(caller.httpPort, "POST", "/v1.0/invoke/orders/method/new?x=1", {
    body: "order 1",
  });
  expect(direct.status).toBe(200);
  expect(JSON.parse(direct.body)).toEqual({
    method: "POST",
    url: "/new?x=1",
    caller: "checkout",
    body: "order 1",
  });
  const byHeader = await call(caller.httpPort, "PUT", "/new", {
    headers: { "dapr-app-id": "orders.default" },
    body: "order 2",
  });
  expect(JSON.parse(byHeader.body)).toMatchObject({ method: "PUT", body: "order 2" });
});

test("an unknown app is an error that names it", async () => {
  const caller = await mesh.sidecar("checkout");
  const answer = await call(caller.httpPort, "GET", "/v1.0/invoke/nobody/method/x");
  expect(answer.status).toBe(500);
  expect(JSON.parse(answer.body)).toMatchObject({
    errorCode: "ERR_DIRECT_INVOKE",
    message: expect.stringContaining("couldn't find service: nobody"),
  });
});

test("an app that is down is an error, and works again once it is up", async () => {
  const app = await mesh.app((_request, response) => response.end("up"));
  const callee = await mesh.sidecar("orders", { appPort: app.port });
  const caller = await mesh.sidecar("checkout");
  expect((await call(caller.httpPort, "GET", "/v1.0/invoke/orders/method/x")).body).toBe("up");
  await app.close();
  const down = await call(caller.httpPort, "GET", "/v1.0/invoke/orders/method/x");
  expect(down.status).toBe(500);
  expect(down.body).toContain("connection refused");
  await mesh.app((_request, response) => response.end("up again"), app.port);
  const again = await call(caller.httpPort, "GET", "/v1.0/invoke/orders/method/x");
  expect(again.body).toBe("up again");
  expect(callee.child.exitCode).toBeNull();
});

test("a client that leaves ends the app's request", async () => {
  let appSawAbort = false;
  let appReached = false;
  const app = await mesh.app((request, response) => {
    if (request.url !== "/slow") {
      response.end("ok");
      return;
    }
    appReached = true;
    response.once("close", () => {
      appSawAbort = !response.writableFinished;
    });
  });
  await mesh.sidecar("orders", { appPort: app.port });
  const caller = await mesh.sidecar("checkout");
  const client = new AbortController();
  const pending = call(caller.httpPort, "POST", "/v1.0/invoke/orders/method/slow", {
    body: "x",
    signal: client.signal,
  });
  await waitFor(async () => appReached, "the app to be called");
  client.abort();
  await expect(pending).rejects.toThrow();
  await waitFor(async () => appSawAbort, "the app to see the abort");
});

test("200 callers at once all get their own answer", async () => {
  const app = await mesh.app((request, response) => {
    request.on("data", (chunk: Buffer) => response.write(chunk));
    request.on("end", () => response.end());
  });
  await mesh.sidecar("orders", { appPort: app.port });
  const caller = await mesh.sidecar("checkout");
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, index) =>
      call(caller.httpPort, "POST", "/v1.0/invoke/orders/method/echo", { body: `call ${index}` }),
    ),
  );
  expect(answers.map(({ body }) => body)).toEqual(answers.map((_, index) => `call ${index}`));
});

test("signals drain and end the process with 0", async () => {
  const app = await mesh.app((_request, response) => response.end("ok"));
  const callee = await mesh.sidecar("orders", { appPort: app.port });
  const caller = await mesh.sidecar("checkout");
  expect(await callee.end("SIGTERM")).toBe(0);
  expect(await caller.end("SIGINT")).toBe(0);
  expect(callee.output()).toContain("Daprd shutdown gracefully");
});

test("a call under way finishes while its sidecar shuts down", async () => {
  let finish: () => void = () => undefined;
  let reached = false;
  const app = await mesh.app((request, response) => {
    if (request.url !== "/x") {
      response.end();
      return;
    }
    reached = true;
    finish = () => response.end("finished");
  });
  const callee = await mesh.sidecar("orders", { appPort: app.port });
  const caller = await mesh.sidecar("checkout");
  const pending = call(caller.httpPort, "GET", "/v1.0/invoke/orders/method/x");
  await waitFor(async () => reached, "the app to be called");
  const ended = callee.end("SIGTERM");
  await waitFor(
    async () => callee.output().includes("beginning shutdown"),
    "the sidecar to begin its shutdown",
  );
  finish();
  expect((await pending).body).toBe("finished");
  expect(await ended).toBe(0);
});

test.skipIf(process.platform !== "linux")("Dapr's CLI finds the process by its name", async () => {
  const sidecar = await mesh.sidecar("listed");
  const file = (name: string) => readFileSync(`/proc/${sidecar.child.pid}/${name}`, "utf8");
  expect(file("comm")).toBe("daprd\n");
  expect(file("cmdline").split("\0")).toContain("--app-id");
});
