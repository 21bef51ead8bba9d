import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { OutriggerError, type RpcStatus, readBody } from "@outrigger/core";
import { ingressHttp } from "@outrigger/ingress-http";
import { afterEach, expect, test } from "vitest";
import { appAnswer, exchange, get, type RunningIngress, startIngress } from "./ingress.ts";

const running: RunningIngress[] = [];

async function start(...parameters: Parameters<typeof startIngress>): Promise<RunningIngress> {
  const started = await startIngress(...parameters);
  running.push(started);
  return started;
}

afterEach(async () => {
  for (const { ingress } of running.splice(0)) await ingress.stop?.();
});

test("invokes by path, without hop-by-hop headers in the answer", async () => {
  const { port, sidecar } = await start();
  sidecar.answer = async () =>
    appAnswer({ headers: ["X-App", "1", "Set-Cookie", "a", "Set-Cookie", "b"] });
  const answer = await get(port, "/v1.0/invoke/callee/method/a%20b//c?x=%20", ["X-One: 1"]);
  expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  expect(answer).toMatch(/Set-Cookie: a\r\nSet-Cookie: b\r\n/);
  expect(answer).not.toMatch(/\r\n(connection|keep-alive):/i);
  expect(answer.endsWith("\r\n\r\nok")).toBe(true);
  const [call] = sidecar.calls;
  expect(call).toMatchObject({
    target: "callee",
    method: "a b/c",
    http: { verb: "GET", query: "x=%20" },
    bodyLength: 0,
  });
  expect(call?.metadata).toEqual(["X-One", "1"]);
});

test.each([
  ["/foo/bar", ["dapr-app-id: myapp"], "myapp", "foo/bar"],
  ["///foo//bar/", ["dapr-app-id: myapp"], "myapp", "foo/bar"],
  ["/v1.0/invoke/a/method/m", ["dapr-app-id: b"], "b", "v1.0/invoke/a/method/m"],
  ["/foo", ["Authorization: Basic ZGFwci1hcHAtaWQ6Y2FsbGVl"], "callee", "foo"],
  ["/v1.0////invoke/myapp/method/foo", [], "myapp", "foo"],
  ["/v1.0//invoke//myapp/method//foo", [], "myapp", "/foo"],
  ["/v1.0/invoke/myapp/method/", [], "myapp", ""],
  ["/v1.0/invoke/http%3A%2F%2Fexample.com/method/foo", [], "http://example.com", "foo"],
  ["/v1.0/invoke/c%61llee/method/m", [], "callee", "m"],
])("%s with %j invokes %s, method %j", async (path, headers, target, method) => {
  const { port, sidecar } = await start();
  await get(port, path, headers);
  expect(sidecar.calls[0]).toMatchObject({ target, method });
  expect(sidecar.calls[0]?.metadata).not.toContain("Dapr-App-Id");
});

test.each(["/nothing", "/v1.0/invoke/myapp", "/v1.0/invoke/myapp/method", "/v1.0/shutdown"])(
  "%s names no target",
  async (path) => {
    const { port } = await start();
    const answer = await get(port, path);
    expect(answer).toMatch(/^HTTP\/1\.1 404 Not Found\r\n/);
    expect(answer).toContain(
      '{"errorCode":"ERR_DIRECT_INVOKE","message":"failed getting app id either from the URL path or the header dapr-app-id"}',
    );
  },
);

test.each([
  [{ code: 7, message: "no" }, 403],
  [{ code: 14, message: "no" }, 500],
] satisfies [RpcStatus, number][])("a failure %j is %i", async (rpc, status) => {
  const { port, sidecar } = await start();
  sidecar.answer = async () => {
    throw new OutriggerError("why", { code: "OTR_PEER_FAILED", rpc });
  };
  const answer = await get(port, "/v1.0/invoke/callee/method/m");
  expect(answer).toContain(`HTTP/1.1 ${status} `);
  expect(answer).toContain('"message":"failed to invoke, id: callee, err: why"');
});

test.each([
  ["get", "GET"],
  ["PROPFIND", "POST"],
  ["NOSUCH", "POST"],
])("verb %s is delivered as %s", async (verb, delivered) => {
  const { port, sidecar } = await start();
  await exchange(port, `${verb} /v1.0/invoke/callee/method/m HTTP/1.0\r\n\r\n`);
  expect(sidecar.calls[0]?.http?.verb).toBe(delivered);
});

test.each([
  ["GET /v1.0/invoke/caller/method/a%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400],
  ["GET /a%20 HTTP/1.1\r\n\r\n", 400],
  ["GET /a HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400],
  ["hello\r\n\r\n", 400],
  ["GET /a\x01 HTTP/1.1\r\nHost: a\r\n\r\n", 400],
  ["POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: foo\r\n\r\n", 501],
  [`GET /a HTTP/1.1\r\nHost: a\r\nX: ${"v".repeat(9_000)}\r\n\r\n`, 431],
])("refuses %j", async (text, status) => {
  const { port, sidecar } = await start();
  const answer = await exchange(port, text);
  expect(answer).toContain(`HTTP/1.1 ${status} `);
  expect(answer.toLowerCase()).toContain("\r\nconnection: close\r\n");
  expect(sidecar.calls).toEqual([]);
});

test("a chunked body arrives as a stream of unknown length, a fixed one as bytes", async () => {
  const { port, sidecar } = await start();
  const bodies: string[] = [];
  sidecar.answer = async ({ body, bodyLength }) => {
    bodies.push(`${bodyLength} ${Buffer.from(await readBody(body, 100)).toString()}`);
    return appAnswer();
  };
  const head = "POST /m HTTP/1.1\r\nHost: a\r\ndapr-app-id: callee\r\n";
  await exchange(
    port,
    `${head}Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n${head}Connection: close\r\nContent-Length: 2\r\n\r\nxy`,
  );
  expect(bodies.sort()).toEqual(["2 xy", "undefined abc"]);
});

test("a body over the limit fails the call with Dapr's words", async () => {
  const { port, sidecar } = await start({ maxBodyBytes: 4 });
  sidecar.answer = async ({ body }) => {
    await readBody(body, 100);
    return appAnswer();
  };
  const answer = await exchange(
    port,
    "POST /m HTTP/1.1\r\nHost: a\r\nConnection: close\r\ndapr-app-id: callee\r\nContent-Length: 5\r\n\r\n12345",
  );
  expect(answer).toContain("HTTP/1.1 500 ");
  expect(answer).toContain("stream too large");
});

test.each([
  [200, "<!DOCTYPE html><html></html>", "text/html; charset=utf-8"],
  [200, '{"a":1}', "text/plain; charset=utf-8"],
  [200, "\x89PNG\r\n\x1a\n", "image/png"],
  [500, "plain words", "application/json"],
])("an answer %i %j without a type gets %s", async (code, body, contentType) => {
  const { port, sidecar } = await start();
  sidecar.answer = async () =>
    appAnswer({
      status: { code, message: "", details: [] },
      contentType: "",
      body: Buffer.from(body, "latin1"),
    });
  expect(await get(port, "/v1.0/invoke/callee/method/m")).toContain(
    `\r\nContent-Type: ${contentType}\r\n`,
  );
});

test("an answer that fails midway ends the connection without a last chunk", async () => {
  const { port, sidecar } = await start();
  sidecar.answer = async () =>
    appAnswer({
      body: (async function* () {
        yield Buffer.from("part");
        throw new Error("lost");
      })(),
    });
  const answer = await exchange(
    port,
    "GET /v1.0/invoke/callee/method/m HTTP/1.1\r\nHost: a\r\n\r\n",
  );
  expect(answer).not.toContain("0\r\n\r\n");
});

test("a client that leaves aborts the call", async () => {
  const { port, sidecar } = await start();
  const aborted = new Promise<void>((resolve) => {
    sidecar.answer = ({ signal }) =>
      new Promise((_, reject) => {
        signal.addEventListener("abort", () => {
          resolve();
          reject(new Error("gone"));
        });
        client.destroy();
      });
  });
  const client = connect(port, "127.0.0.1");
  client.write("GET /m HTTP/1.1\r\nHost: a\r\ndapr-app-id: callee\r\n\r\n");
  await aborted;
});

test("events of another app are relayed under fixed headers", async () => {
  const { port, sidecar } = await start();
  sidecar.answer = async () =>
    appAnswer({
      contentType: "text/event-stream",
      headers: ["X-App", "1"],
      body: (async function* () {
        yield Buffer.from("data: 1\n\n");
      })(),
    });
  const answer = await get(port, "/v1.0/invoke/callee/method/e", ["Accept:  Text/Event-Stream "]);
  expect(answer).toMatch(/\r\nContent-Type: text\/event-stream\r\n/);
  expect(answer).toMatch(/\r\nCache-Control: no-cache\r\n/);
  expect(answer).toMatch(/\r\nConnection: keep-alive\r\n/);
  expect(sidecar.calls[0]?.metadata).toEqual(["Accept", "text/event-stream"]);
});

test("health routes tell readiness and app id", async () => {
  const { port, sidecar } = await start();
  expect(await get(port, "/v1.0//healthz/")).toContain(" 204 ");
  expect(await get(port, "/v1.0/healthz?appid=caller")).toContain(" 204 ");
  expect(await get(port, "/v1.0/healthz?appid=")).toContain("ERR_HEALTH_APPID_NOT_MATCH");
  sidecar.unready = ["app", "grpc"];
  expect(await get(port, "/v1.0/healthz")).toContain(
    '{"errorCode":"ERR_HEALTH_NOT_READY","message":"dapr is not ready: [app grpc]"}',
  );
  expect(await get(port, "/v1.0/healthz/outbound")).toContain(" 204 ");
});

test("metadata is told and extended", async () => {
  const { port, sidecar } = await start();
  const put = "PUT /v1.0/metadata/a%2Fb+c HTTP/1.0\r\nContent-Length: 3\r\n\r\nv 1";
  expect(await exchange(port, put)).toContain(" 204 ");
  sidecar.metadata.markInitialized();
  const answer = await get(port, "/v1.0/metadata");
  expect(answer.slice(answer.indexOf("{"))).toBe(
    '{"id":"caller","runtimeVersion":"1.18.3","extended":{"a/b c":"v 1","daprRuntimeVersion":"1.18.3"},' +
      '"appConnectionProperties":{"port":3000,"protocol":"http","channelAddress":"127.0.0.1",' +
      '"health":{"healthCheckPath":"/healthz","healthProbeInterval":"5s","healthProbeTimeout":"500ms","healthThreshold":3}},' +
      '"actorRuntime":{"runtimeStatus":"DISABLED","hostReady":false,"placement":"placement: disconnected"}}',
  );
});

test("shutdown is asked for, with force when the header says so", async () => {
  const { port, sidecar } = await start();
  await exchange(port, "POST /v1.0/shutdown HTTP/1.0\r\n\r\n");
  await exchange(port, "POST /v1.0/shutdown HTTP/1.0\r\ndapr-force-shutdown: True\r\n\r\n");
  expect(sidecar.shutdowns).toEqual([false, true]);
});

test("without invoke, what no route takes is plain 404 or 405", async () => {
  const { port } = await start({ isAllowed: (group) => group !== "invoke" });
  expect(await get(port, "/x")).toMatch(/404 Not Found[\s\S]*404 page not found\n$/);
  const wrong = await exchange(port, "DELETE /v1.0/metadata HTTP/1.0\r\n\r\n");
  expect(wrong).toMatch(/405 Method Not Allowed\r\nAllow: GET\r\n/);
});

test("a preflight is answered without the pipeline", async () => {
  const { port, sidecar } = await start({
    allowedOrigins: ["http://a.example", "https://*.b.example"],
  });
  const answer = await exchange(
    port,
    "OPTIONS /m HTTP/1.0\r\nOrigin: https://x.b.example\r\nAccess-Control-Request-Method: PUT\r\nAccess-Control-Request-Headers: x-one\r\n\r\n",
  );
  expect(answer).toContain("HTTP/1.1 200 OK");
  expect(answer).toContain("\r\nAccess-Control-Allow-Origin: https://x.b.example\r\n");
  expect(answer).toContain("\r\nAccess-Control-Allow-Headers: X-One\r\n");
  expect(sidecar.calls).toEqual([]);
});

test("raw bytes above 0x7F in a target arrive as they are", async () => {
  const { port, sidecar } = await start();
  const target = Buffer.from("/v1.0/invoke/callee/method/café?n=ü").toString("latin1");
  expect(await get(port, target)).toContain(" 200 OK");
  expect(sidecar.calls[0]).toMatchObject({
    method: Buffer.from("café").toString("latin1"),
    http: { verb: "GET", query: Buffer.from("n=ü").toString("latin1") },
  });
});

test("speaks cleartext HTTP/2 on the same port", async () => {
  const { port, sidecar } = await start();
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  session.on("error", () => undefined);
  const stream = session.request({
    ":method": "POST",
    ":path": "/v1.0/invoke/callee/method/m?q",
    "x-one": "1",
  });
  const [headers] = await Promise.all([
    once(stream, "response").then(([first]) => first),
    stream.end("hi"),
  ]);
  stream.resume();
  await once(stream, "close");
  session.close();
  expect(headers[":status"]).toBe(200);
  expect(sidecar.calls[0]).toMatchObject({ method: "m", http: { verb: "POST", query: "q" } });
});

test("draining ends idle connections and lets a running request finish", async () => {
  const { port, sidecar, ingress } = await start();
  let finish: () => void = () => undefined;
  const called = new Promise<void>((resolve) => {
    sidecar.answer = () => {
      resolve();
      return new Promise((answer) => {
        finish = () => answer(appAnswer());
      });
    };
  });
  const idle = connect(port, "127.0.0.1");
  idle.write("GET /v1.0/healthz HTTP/1.1\r\nHost: a\r\n\r\n");
  await once(idle, "data");
  const request = get(port, "/v1.0/invoke/callee/method/m");
  await called;
  const idleClosed = once(idle, "close");
  const drained = ingress.drain(AbortSignal.timeout(5_000));
  await idleClosed;
  finish();
  await drained;
  expect(await request).toContain(" 200 OK");
});

test("wrong options are named", () => {
  expect(() => ingressHttp({ port: 70_000 })).toThrow(/port: must be/);
});

test("a client that does not finish its headers is cut off", async () => {
  const { port } = await start({ headersTimeoutMs: 200 });
  const answer = await exchange(port, "GET /v1.0/healthz HTTP/1.1\r\nHost");
  expect(answer).not.toContain(" 204 ");
});

test("bytes that no header may have become spaces", async () => {
  const { port, sidecar } = await start();
  sidecar.answer = async () => appAnswer({ headers: ["X-App", "a\u0001b"] });
  expect(await get(port, "/v1.0/invoke/callee/method/m")).toContain("\r\nX-App: a b\r\n");
});
