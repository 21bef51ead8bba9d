import { once } from "node:events";
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Server } from "node:net";
import { type AppChannelHttpOptions, appChannelHttp } from "@outrigger/app-channel-http";
import {
  type AppChannel,
  emptyBody,
  type ReceivedCall,
  readBody,
  silentLogger,
} from "@outrigger/core";
import { afterEach, expect, test } from "vitest";

const servers: Server[] = [];
const channels: AppChannel[] = [];
// An error event that nobody hears ends a sidecar, so every test of this file watches for one.
const uncaught: Error[] = [];
const onUncaught = (reason: Error): void => {
  uncaught.push(reason);
};
process.on("uncaughtException", onUncaught);
afterEach(async () => {
  for (const channel of channels.splice(0)) await channel.stop?.();
  for (const server of servers.splice(0)) server.close();
  expect(uncaught.splice(0)).toEqual([]);
});

async function listen(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  servers.push(server);
  return (server.address() as AddressInfo).port;
}

function httpApp(listener: RequestListener): Promise<number> {
  return listen(createHttpServer(listener));
}

function channelTo(port: number, options: Partial<AppChannelHttpOptions> = {}): AppChannel {
  const channel = appChannelHttp({ port, ...options })({
    appId: "orders",
    namespace: "default",
    log: silentLogger,
    now: Date.now,
    random: Math.random,
  });
  channels.push(channel);
  return channel;
}

function call(overrides: Partial<ReceivedCall> = {}): ReceivedCall {
  return {
    target: "",
    method: "m",
    http: { verb: "POST", query: "" },
    origin: "http",
    metadata: [],
    contentType: "",
    typeUrl: "",
    body: emptyBody,
    bodyLength: 0,
    signal: new AbortController().signal,
    ...overrides,
  };
}

test("a call that was given up before it is sent fails and nothing else does", async () => {
  const port = await httpApp((_request, response) => response.end("ok"));
  const channel = channelTo(port);
  const signal = AbortSignal.abort();
  await expect(channel.deliver(call({ signal }))).rejects.toMatchObject({ code: "OTR_ABORTED" });
  // The event would come a turn later.
  expect((await channel.deliver(call())).status.code).toBe(200);
});

test("a header that HTTP cannot carry fails its call and keeps no connection", async () => {
  const port = await httpApp((_request, response) => response.end("ok"));
  const channel = channelTo(port, { maxConnections: 1 });
  const hostile = call({ contentType: "text/plain\r\nX-Forged: 1" });
  await expect(channel.deliver(hostile)).rejects.toMatchObject({ code: "OTR_APP_FAILED" });
  expect((await channel.deliver(call())).status.code).toBe(200);
});

test("a header that HTTP cannot carry harms nothing while the app is down", async () => {
  const server = createTcpServer();
  const port = await listen(server);
  servers.splice(0);
  server.close();
  await once(server, "close");
  const channel = channelTo(port);
  const hostile = call({ contentType: "text/plain\r\nX-Forged: 1" });
  await expect(channel.deliver(hostile)).rejects.toMatchObject({ code: "OTR_APP_FAILED" });
  await expect(channel.deliver(call())).rejects.toMatchObject({ code: "OTR_APP_UNREACHABLE" });
});

test("an upload that breaks after the answer began ends the app's request", async () => {
  let closed: Promise<unknown> | undefined;
  const port = await httpApp((request, response) => {
    request.on("error", () => undefined);
    closed = once(response, "close");
    response.writeHead(200);
    response.write("begun");
  });
  let fail: (reason: Error) => void = () => undefined;
  const failing = new Promise<never>((_resolve, reject) => {
    fail = reject;
  });
  async function* upload(): AsyncGenerator<Uint8Array> {
    yield Buffer.from("first");
    await failing;
  }
  const channel = channelTo(port, { maxConcurrency: 1 });
  const response = await channel.deliver(call({ body: upload(), bodyLength: undefined }));
  expect(response.status.code).toBe(200);
  fail(new Error("upload broke"));
  await closed;
  // Half an answer must not pass for a whole one.
  await expect(readBody(response.body, 1_000)).rejects.toThrow("upload broke");
});

test("an answer that nobody reads gives its slot back when the caller leaves", async () => {
  let closed: Promise<unknown> | undefined;
  let calls = 0;
  const port = await httpApp((_request, response) => {
    calls += 1;
    if (calls > 1) {
      response.end("ok");
      return;
    }
    closed = once(response, "close");
    response.writeHead(200);
    response.write(Buffer.alloc(1_000_000));
  });
  const channel = channelTo(port, { maxConcurrency: 1 });
  const caller = new AbortController();
  await channel.deliver(call({ signal: caller.signal }));
  caller.abort();
  await closed;
  expect((await channel.deliver(call())).status.code).toBe(200);
});
