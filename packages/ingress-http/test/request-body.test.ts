import { once } from "node:events";
import { Agent, request } from "node:http";
import { connect as connectHttp2, type IncomingHttpHeaders } from "node:http2";
import type { BodyStream, Ingress } from "@outrigger/core";
import { afterEach, expect, test } from "vitest";
import { appAnswer, type RunningIngress, startIngress } from "./ingress.ts";

const ingresses: Ingress[] = [];
afterEach(async () => {
  for (const ingress of ingresses.splice(0)) await ingress.stop?.();
});

async function start(options = {}): Promise<RunningIngress> {
  const running = await startIngress(options);
  ingresses.push(running.ingress);
  return running;
}

const uploadBytes = 3 * 1024 * 1024;

/** Writes a long chunked body whole before it reads the answer. */
async function upload(port: number, agent: Agent): Promise<number> {
  const outgoing = request({
    agent,
    port,
    method: "POST",
    path: "/v1.0/invoke/a/method/m",
    headers: { "Transfer-Encoding": "chunked" },
  });
  const answered = once(outgoing, "response");
  outgoing.end(Buffer.alloc(uploadBytes));
  await once(outgoing, "finish");
  const [response] = await answered;
  response.resume();
  await once(response, "end");
  return response.statusCode;
}

test("a client that writes all of a body nobody wants gets its answer, twice on one connection", async () => {
  const { port, sidecar } = await start({ maxBodyBytes: 65_536 });
  sidecar.answer = async ({ body }) => {
    for await (const _chunk of body as BodyStream);
    return appAnswer();
  };
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  expect([await upload(port, agent), await upload(port, agent)]).toEqual([500, 500]);
  agent.destroy();
});

test("a body that its reader leaves halfway holds nobody up", async () => {
  const { port, sidecar } = await start();
  sidecar.answer = async ({ body }) => {
    const chunks = (body as BodyStream)[Symbol.asyncIterator]();
    await chunks.next();
    await chunks.return?.();
    return appAnswer();
  };
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  expect([await upload(port, agent), await upload(port, agent)]).toEqual([200, 200]);
  agent.destroy();
});

test("a reader that still waits when the answer is complete is told to stop", async () => {
  const { port, sidecar } = await start();
  let told: (reason: unknown) => void = () => undefined;
  const failure = new Promise((resolve) => {
    told = resolve;
  });
  sidecar.answer = async ({ body }) => {
    (body as BodyStream)[Symbol.asyncIterator]().next().catch(told);
    return appAnswer();
  };
  const outgoing = request({
    port,
    method: "POST",
    path: "/v1.0/invoke/a/method/m",
    headers: { "Transfer-Encoding": "chunked" },
  });
  outgoing.on("error", () => undefined);
  outgoing.flushHeaders();
  expect(await failure).toMatchObject({ code: "OTR_ABORTED" });
  outgoing.destroy();
});

test("over HTTP/2, cookies arrive in one line and repeated single headers do no harm", async () => {
  const { port, sidecar } = await start();
  sidecar.answer = async () => appAnswer({ headers: ["Etag", "a", "Etag", "b"] });
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  const stream = session.request({ ":path": "/v1.0/invoke/a/method/m", cookie: ["a=1", "b=2"] });
  const [headers] = (await once(stream, "response")) as [IncomingHttpHeaders];
  expect(headers).toMatchObject({ ":status": 200, etag: "a" });
  expect(sidecar.calls[0]?.metadata).toEqual(["Cookie", "a=1; b=2"]);
  session.destroy();
});

test("over HTTP/2, a stream that the client resets aborts the call", async () => {
  const { port, sidecar } = await start();
  let aborted: () => void = () => undefined;
  const seen = new Promise<void>((resolve) => {
    aborted = resolve;
  });
  let called: () => void = () => undefined;
  const arrived = new Promise<void>((resolve) => {
    called = resolve;
  });
  sidecar.answer = ({ signal }) => {
    signal.addEventListener("abort", aborted);
    called();
    return new Promise(() => undefined);
  };
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  const stream = session.request({ ":path": "/v1.0/invoke/a/method/m" });
  stream.on("error", () => undefined);
  await arrived;
  stream.close(8);
  await seen;
  session.destroy();
});
