import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { frameMessage } from "@outrigger/grpc-http2";
import { afterAll, beforeAll, expect, test } from "vitest";
import { call, waitFor } from "./mesh.ts";
import { PolicyApp, PolicyGrpcApp } from "./policy-app.ts";
import { type Caller, chunked, invoke, invokeService, PolicyMesh, proxied } from "./policy-mesh.ts";

const mesh = new PolicyMesh();
const app = new PolicyApp();
const grpcApp = new PolicyGrpcApp();

const threeRetries = `  policies:
    retries: {DefaultAppRetryPolicy: {policy: constant, duration: 20ms, maxRetries: 3}}
  targets: {}
`;

let retrying: Caller;

beforeAll(async () => {
  const [port, grpcPort] = await Promise.all([app.start(), grpcApp.start()]);
  const shared = mesh.policies("defaults", threeRetries);
  await Promise.all([
    // The callee loads the same policies; they must not act on calls that arrive.
    mesh.sidecar("policy-orders", { appPort: port, flags: ["--resources-path", shared] }),
    mesh.sidecar("policy-greeter", { appPort: grpcPort, flags: ["--app-protocol", "grpc"] }),
  ]);
  retrying = await mesh.caller("retrying", shared);
});

afterAll(async () => {
  await mesh.close();
  app.close();
  grpcApp.close();
});

test("without a resource, an app's failure is delivered at once", async () => {
  const plain = await mesh.caller("plain");
  expect(await invoke(plain, "/status/503/plain")).toMatchObject({ status: 503, body: "answer 1" });
  expect(app.count("/status/503/plain")).toBe(1);
});

test("the default policy of apps tries four times and delivers the last answer", async () => {
  const failed = await invoke(retrying, "/status/400/d");
  expect(failed).toMatchObject({ status: 400, body: "answer 4" });
  expect(failed.headers).toMatchObject({ "content-type": "text/plain", "x-n": "1" });
  expect(app.count("/status/400/d")).toBe(4);
  expect((await invoke(retrying, "/status/200/d")).status).toBe(200);
  expect(app.count("/status/200/d")).toBe(1);
  const metadata = JSON.parse((await call(retrying.httpPort, "GET", "/v1.0/metadata")).body);
  expect(metadata.resiliencies).toEqual([{ name: "defaults" }]);
  expect(retrying.output()).toContain("Loading Resiliency configuration: defaults");
});

test.each([1_000, 700_000])("a body of %d bytes is sent again as it was", async (length) => {
  const body = Buffer.alloc(length, "abcdefg").toString();
  const path = `/flaky/3/${length}`;
  expect(await invoke(retrying, path, body)).toMatchObject({ status: 200, body: "answer 4" });
  const bodies = app.seen.filter((seen) => seen.path === path).map((seen) => seen.body.toString());
  expect(bodies).toHaveLength(4);
  expect(bodies.every((sent) => sent === body)).toBe(true);
});

test("a body of unknown length is sent once, and its failure is delivered", async () => {
  const answer = await chunked(retrying, "/status/500/chunked");
  expect(answer).toMatchObject({ status: 500, body: "answer 1" });
  expect(app.seen.filter(({ path }) => path === "/status/500/chunked")).toEqual([
    { path: "/status/500/chunked", body: Buffer.from("firstsecond") },
  ]);
});

test("a caller that leaves ends the retries", async () => {
  const endless = await mesh.caller(
    "endless",
    mesh.policies(
      "e",
      "  policies: {retries: {r: {duration: 10ms}}}\n  targets: {apps: {policy-orders: {retry: r}}}\n",
    ),
  );
  const leaving = new AbortController();
  const path = "/status/500/endless";
  const going = call(endless.httpPort, "GET", `/v1.0/invoke/policy-orders/method${path}`, {
    signal: leaving.signal,
  }).catch(() => undefined);
  await waitFor(async () => app.count(path) > 3, "retries");
  leaving.abort();
  await going;
  let last = -1;
  await waitFor(async () => {
    const before = last;
    last = app.count(path);
    await new Promise((resolve) => setTimeout(resolve, 60));
    return before === last && app.count(path) === last;
  }, "the end of the retries");
});

test("codes choose what is retried; InvokeService retries everything", async () => {
  const choosy = await mesh.caller(
    "choosy",
    mesh.policies(
      "codes",
      `  policies:
    retries:
      r: {duration: 10ms, maxRetries: 1, matching: {httpStatusCodes: "101,200,204,304,400-500,501", gRPCStatusCodes: "6-14"}}
  targets: {apps: {policy-orders: {retry: r}, policy-greeter: {retry: r}}}
`,
    ),
  );
  for (const code of [101, 400, 420, 500, 501, 399, 502, 200, 204, 304]) {
    const path = `/status/${code}/codes`;
    expect((await invoke(choosy, path)).status).toBe(code);
    const isRetried = code === 101 || (code >= 400 && code <= 501);
    expect([code, app.count(path)]).toEqual([code, isRetried ? 2 : 1]);
  }
  await invokeService(choosy, "status/502/grpc");
  expect(app.count("/status/502/grpc")).toBe(2);
  for (const code of [1, 2, 6, 10, 14, 15, 20, 0]) {
    const path = `/t.S/Code${code}`;
    expect((await proxied(choosy, path)).code).toBe(code);
    expect([code, grpcApp.count(path)]).toEqual([code, code >= 6 && code <= 14 ? 2 : 1]);
  }
});

test("a time limit counts per attempt, and ends it at the app", async () => {
  const timed = await mesh.caller(
    "timed",
    mesh.policies(
      "timed",
      `  policies:
    timeouts: {t: 200ms}
    retries: {r: {duration: 50ms, maxRetries: 1}}
  targets: {apps: {policy-orders: {timeout: t, retry: r}, policy-greeter: {timeout: t}}}
`,
    ),
  );
  await invoke(timed, "/status/200/warm");
  const brokenOff = app.brokenOff;
  const startedAt = performance.now();
  const answer = await invoke(timed, "/hang/t");
  expect(performance.now() - startedAt).toBeGreaterThan(440);
  expect(JSON.parse(answer.body)).toEqual({
    errorCode: "ERR_DIRECT_INVOKE",
    message: "failed to invoke, id: policy-orders, err: context deadline exceeded",
  });
  expect([answer.status, app.count("/hang/t")]).toEqual([500, 2]);
  await waitFor(async () => app.brokenOff === brokenOff + 2, "both attempts ended");
  expect(await invokeService(timed, "hang/s")).toBe(4);
  // Once the answer is under way it is cut off, and nothing is tried again.
  await expect(invoke(timed, "/half/t")).rejects.toThrow();
  expect(app.count("/half/t")).toBe(1);
  expect(await proxied(timed, "/t.S/Hang")).toMatchObject({
    ...{ code: 4, message: "context deadline exceeded" },
  });
});

test("a proxied call is not repeated once its answer is under way", async () => {
  const response = await retrying.grpc.call({
    path: "/t.S/Partial14",
    headers: ["dapr-app-id", "policy-greeter"],
    body: frameMessage(Buffer.from("m")),
  });
  expect((await response.messages.read())?.data).toEqual(Buffer.from([7]));
  while (response.status === undefined) await response.messages.read();
  expect([response.status.code, grpcApp.count("/t.S/Partial14")]).toEqual([14, 1]);
});

test("a breaker opens per method, refuses with 500, probes and closes", async () => {
  const breaking = await mesh.caller(
    "breaking",
    mesh.policies(
      "cb",
      `  policies:
    circuitBreakers: {cb: {maxRequests: 1, interval: 0, timeout: 400ms, trip: consecutiveFailures >= 3}}
  targets: {apps: {policy-orders: {circuitBreaker: cb}, policy-greeter: {circuitBreaker: cb}}}
`,
    ),
  );
  for (let count = 0; count < 3; count++) {
    expect((await invoke(breaking, "/flaky/3/cb")).status).toBe(500);
  }
  const refused = await invoke(breaking, "/flaky/3/cb");
  expect([refused.status, JSON.parse(refused.body).message]).toEqual([
    500,
    "failed to invoke, id: policy-orders, err: circuit breaker is open",
  ]);
  expect(await invokeService(breaking, "flaky/3/cb")).toBe(2);
  expect(app.count("/flaky/3/cb")).toBe(3);
  expect((await invoke(breaking, "/status/200/cb")).status).toBe(200);
  await waitFor(async () => (await invoke(breaking, "/flaky/3/cb")).status === 200, "recovery");
  expect((await invoke(breaking, "/flaky/3/cb")).status).toBe(200);
  for (let count = 0; count < 3; count++) await chunked(breaking, "/status/500/cb");
  expect((await invoke(breaking, "/status/500/cb")).body).toContain("circuit breaker is open");
  for (let count = 0; count < 3; count++) await proxied(breaking, "/t.S/Code9");
  expect(await proxied(breaking, "/t.S/Code9")).toMatchObject({
    ...{ code: 2, message: "circuit breaker is open" },
  });
});

test("a resource that is wrong is told and left out; the others count", async () => {
  const folder = mesh.policies(
    "bad",
    '  policies: {retries: {r: {matching: {httpStatusCodes: "11"}}}}\n',
  );
  writeFileSync(
    join(folder, "s.yaml"),
    `kind: Resiliency
metadata: {name: syntax}
spec: {policies: {circuitBreakers: {cb: {trip: "a >"}}}}
---
kind: Resiliency
metadata: {name: fine}
spec: {policies: {retries: {good: {duration: 10ms, maxRetries: 1}}}, targets: {apps: {policy-orders: {retry: good}}}}
`,
  );
  const partly = await mesh.caller("partly", folder);
  expect(partly.output()).toContain("Could not read resiliency policy bad: invalid retry");
  expect(partly.output()).toContain("Could not read resiliency policy syntax: invalid retry");
  await invoke(partly, "/status/500/partly");
  expect(app.count("/status/500/partly")).toBe(2);
  const metadata = JSON.parse((await call(partly.httpPort, "GET", "/v1.0/metadata")).body);
  expect(metadata.resiliencies).toEqual([{ name: "bad" }, { name: "syntax" }, { name: "fine" }]);
});

test("endpoints and URLs are targets like apps", async () => {
  const outside = new PolicyApp();
  try {
    const url = `http://127.0.0.1:${await outside.start()}`;
    const folder = mesh.policies(
      "outside",
      `  policies: {retries: {r: {duration: 10ms, maxRetries: 2}}}
  targets: {apps: {site: {retry: r}, "${url}": {retry: r}}}
`,
    );
    writeFileSync(
      join(folder, "site.yaml"),
      `apiVersion: dapr.io/v1alpha1
kind: HTTPEndpoint
metadata: {name: site}
spec: {baseUrl: "${url}"}
`,
    );
    const { httpPort } = await mesh.caller("outward", folder);
    for (const [target, path] of [
      ["site", "/flaky/2/site"],
      [url, "/flaky/2/url"],
    ] as const) {
      const answer = await call(httpPort, "POST", `/v1.0/invoke/${target}/method${path}`, {
        body: "order",
      });
      expect([answer.status, outside.count(path)]).toEqual([200, 3]);
    }
  } finally {
    outside.close();
  }
});

test("a proxied call that may be retried has one message, unless it is declared a stream", async () => {
  const echo = (...metadata: readonly string[]) =>
    retrying.grpc.call({
      path: "/t.S/Echo",
      headers: ["dapr-app-id", "policy-greeter", ...metadata],
      body: messages(),
    });
  let sendSecond: () => void = () => undefined;
  async function* messages(): AsyncGenerator<Uint8Array> {
    const answered = new Promise<void>((resolve) => {
      sendSecond = resolve;
    });
    yield frameMessage(Buffer.from("one"));
    await answered;
    yield frameMessage(Buffer.from("two"));
  }
  const unary = await echo();
  expect((await unary.messages.read())?.data.toString()).toBe("one");
  sendSecond();
  while (unary.status === undefined) await unary.messages.read();
  expect(unary.status).toMatchObject({
    ...{ code: 9, message: "cannot use resiliency policies with retries on streaming RPCs" },
  });
  const stream = await echo("dapr-stream", "1");
  expect((await stream.messages.read())?.data.toString()).toBe("one");
  sendSecond();
  expect((await stream.messages.read())?.data.toString()).toBe("two");
  while (stream.status === undefined) await stream.messages.read();
  expect(stream.status.code).toBe(0);
});

test("another instance gets the next attempt", async () => {
  const sick = new PolicyApp();
  const well = new PolicyApp();
  sick.fault = 503;
  try {
    const ports = await Promise.all([sick.start(), well.start()]);
    await Promise.all(ports.map((appPort) => mesh.sidecar("policy-pair", { appPort })));
    const invokePair = () => call(retrying.httpPort, "GET", "/v1.0/invoke/policy-pair/method/x");
    await waitFor(async () => {
      await invokePair();
      return sick.count("/x") > 0 && well.count("/x") > 0;
    }, "both instances found");
    const before = sick.count("/x");
    for (let count = 0; count < 10; count++) expect((await invokePair()).status).toBe(200);
    // None of the calls had more than one attempt at the sick one.
    expect(sick.count("/x") - before).toBeLessThanOrEqual(10);
    expect(sick.count("/x") - before).toBeGreaterThan(0);
  } finally {
    sick.close();
    well.close();
  }
});
