import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type AppChannelHttpOptions, appChannelHttp } from "@outrigger/app-channel-http";
import {
  type AppChannel,
  type Body,
  emptyBody,
  type HttpMiddlewareComponent,
  LiveHttpPipeline,
  type ReceivedCall,
  readBody,
  silentLogger,
} from "@outrigger/core";
import { afterEach, expect, test } from "vitest";

const servers: Server[] = [];
const channels: AppChannel[] = [];
afterEach(async () => {
  for (const channel of channels.splice(0)) await channel.stop?.();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function appPort(listener: RequestListener): Promise<number> {
  const server = createServer(listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  servers.push(server);
  return (server.address() as AddressInfo).port;
}

function channelTo(
  port: number,
  handle: HttpMiddlewareComponent["handle"],
  options: Partial<AppChannelHttpOptions> = {},
): AppChannel {
  const pipeline = new LiveHttpPipeline(silentLogger);
  pipeline.replace([{ name: "test", handle }]);
  const channel = appChannelHttp({ port, pipeline, ...options })({
    appId: "orders",
    namespace: "default",
    log: silentLogger,
    now: Date.now,
    random: Math.random,
  });
  channels.push(channel);
  return channel;
}

function call(method: string, overrides: Partial<ReceivedCall> = {}): ReceivedCall {
  const base = {
    target: "",
    method,
    http: { verb: "POST", query: "a=b" },
    origin: "http",
  } as const;
  const rest = { metadata: [], contentType: "", typeUrl: "", body: emptyBody, bodyLength: 0 };
  return { ...base, ...rest, signal: new AbortController().signal, ...overrides };
}

const text = async (body: Body): Promise<string> =>
  Buffer.from(await readBody(body, 1_000_000)).toString();

const echo: RequestListener = (request, response) => {
  response.setHeader("x-seen", `${request.method} ${request.url} ${request.headers["x-added"]}`);
  response.setHeader("x-length", request.headers["content-length"] ?? "chunked");
  request.pipe(response);
};

test("handlers change what the app gets, framing apart", async () => {
  const channel = channelTo(await appPort(echo), (request, next) =>
    next({
      ...request,
      method: "PUT",
      path: `${request.path}/more`,
      query: `${request.query}&c=d`,
      headers: [
        ...request.headers,
        "X-Added",
        "yes",
        "Content-Length",
        "99",
        "Connection",
        "close",
      ],
      body: Buffer.from("longer"),
    }),
  );
  const answer = await channel.deliver(call("m", { body: Buffer.from("abc"), bodyLength: 3 }));
  expect(answer.headers).toContain("PUT /m/more?a=b&c=d yes");
  expect(answer.headers).toContain("6");
  expect(await text(answer.body)).toBe("longer");
});

test("an answer of a handler is the app's, and takes no place of the limit with it", async () => {
  let asked = 0;
  const port = await appPort((_request, response) => {
    asked += 1;
    response.end();
  });
  const refuse: HttpMiddlewareComponent["handle"] = async () => ({
    status: 401,
    headers: ["X-By", "handler", "Content-Length", "99"],
    body: Buffer.from("no"),
  });
  const channel = channelTo(port, refuse, { maxConcurrency: 1 });
  for (let round = 0; round < 3; round++) {
    const { status, headers, body } = await channel.deliver(call("m"));
    expect([status.code, headers, await text(body)]).toEqual([401, ["X-By", "handler"], "no"]);
  }
  expect(asked).toBe(0);
});

test("a handler that throws behind a streamed answer gives its place back", async () => {
  const port = await appPort((_request, response) => void response.write("endless"));
  const spoil: HttpMiddlewareComponent["handle"] = async (request, next) => {
    await next(request);
    throw new Error("broken");
  };
  const channel = channelTo(port, spoil, { maxConcurrency: 1 });
  for (let round = 0; round < 3; round++) {
    expect((await channel.deliver(call("m"))).status.code).toBe(500);
  }
});

test("an app that cannot be reached fails as it does without handlers", async () => {
  const port = await appPort(echo);
  for (const server of servers.splice(0)) server.close();
  const channel = channelTo(port, (request, next) => next(request));
  await expect(channel.deliver(call("m"))).rejects.toMatchObject({ code: "OTR_APP_UNREACHABLE" });
});

test("answers stream through while the app goes on, and the app learns that nobody reads on", async () => {
  let closed: Promise<unknown> = Promise.resolve();
  const port = await appPort((_request, response) => {
    closed = once(response, "close");
    response.write("first");
  });
  const channel = channelTo(port, (request, next) => next(request));
  const { body } = await channel.deliver(call("m"));
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    expect(Buffer.from(chunk).toString()).toBe("first");
    break;
  }
  await closed;
});

test("the greeting runs through handlers, health probes do not", async () => {
  const seen: string[] = [];
  const port = await appPort((_request, response) => response.end());
  const channel = channelTo(port, (request, next) => {
    seen.push(request.path);
    return next(request);
  });
  const { signal } = new AbortController();
  await channel.greet?.(signal);
  expect(await channel.probe?.("/healthz", 1_000, signal)).toBe(true);
  expect(seen).toEqual(["/dapr/config"]);
});
