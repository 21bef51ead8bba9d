import { once } from "node:events";
import { createServer as createHttpServer, type RequestListener } from "node:http";
import {
  type AddressInfo,
  createServer as createTcpServer,
  type Server,
  type Socket,
} from "node:net";
import { type AppChannelHttpOptions, appChannelHttp } from "@outrigger/app-channel-http";
import {
  type AppChannel,
  type Body,
  emptyBody,
  type HeaderList,
  type ReceivedCall,
  readBody,
  silentLogger,
} from "@outrigger/core";
import { afterEach, expect, test } from "vitest";

const servers: Server[] = [];
const channels: AppChannel[] = [];
afterEach(async () => {
  for (const channel of channels.splice(0)) await channel.stop?.();
  for (const server of servers.splice(0)) server.close();
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

/** An app that answers every connection with fixed bytes and remembers what it read. */
async function rawApp(answer: (socket: Socket) => void): Promise<{ port: number; seen: string[] }> {
  const seen: string[] = [];
  const server = createTcpServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", (data) => {
      seen.push(data.toString("latin1"));
      answer(socket);
    });
  });
  return { port: await listen(server), seen };
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

function call(method: string, overrides: Partial<ReceivedCall> = {}): ReceivedCall {
  const body = overrides.body ?? emptyBody;
  return {
    target: "",
    method,
    http: { verb: "GET", query: "" },
    origin: "http",
    metadata: [],
    contentType: "",
    typeUrl: "",
    body,
    bodyLength: body instanceof Uint8Array ? body.length : undefined,
    signal: new AbortController().signal,
    ...overrides,
  };
}

async function text(body: Body): Promise<string> {
  return Buffer.from(await readBody(body, 10_000_000)).toString();
}

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

test("the app gets verb, path, query, body and headers, and no hop-by-hop header", async () => {
  const { port, seen } = await rawApp((socket) => socket.end(ok));
  const metadata: HeaderList = ["X-A", "1", "X-A", "2", "Connection", "X-Drop", "X-Drop", "1"];
  const response = await channelTo(port).deliver(
    call("a/b", {
      http: { verb: "POST", query: "x=1&y" },
      body: Buffer.from("hi"),
      contentType: "text/plain",
      metadata,
    }),
  );
  expect(response.status.code).toBe(200);
  expect(await text(response.body)).toBe("ok");
  const [line, ...rest] = seen[0]?.split("\r\n") ?? [];
  expect(line).toBe("POST /a/b?x=1&y HTTP/1.1");
  expect(rest.sort()).toEqual(
    [
      ...["X-A: 1", "X-A: 2", "Content-Type: text/plain", "Content-Length: 2", "", "hi"],
      ...["User-Agent: Go-http-client/1.1", `Host: 127.0.0.1:${port}`],
      expect.stringMatching(/^Traceparent: 00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-00$/),
    ].sort(),
  );
});

// Targets as recorded from Dapr.
test.for([
  ["", "", "/"],
  ["/x", "", "/x"],
  ["a;b=1,2/@me/$x/(y)/!z/*/'q'", "", "/a;b=1,2/@me/$x/(y)/!z/*/'q'"],
  ["hello world", "", "/hello%20world"],
  ["a%20b", "", "/a%20b"],
  ["a%2Fb", "", "/a%2Fb"],
  ['a"b', "", "/a%22b"],
  ["a\\b", "", "/a%5Cb"],
  [Buffer.from("café").toString("latin1"), "", "/caf%C3%A9"],
  ["q", "=&&a&b=&c=%20+%zz", "/q?=&&a&b=&c=%20+%zz"],
  ["q", "a=1#frag", "/q?a=1"],
  ["q", Buffer.from("n=ü").toString("latin1"), `/q?n=${Buffer.from("ü").toString("latin1")}`],
])("method %j with query %j goes to %j", async ([method, query, target]) => {
  const { port, seen } = await rawApp((socket) => socket.end(ok));
  await channelTo(port).deliver(
    call(method as string, { http: { verb: "GET", query: query as string } }),
  );
  expect(seen[0]?.split(" ")[1]).toBe(target);
});

test("a percent sign that starts no escape fails as in Dapr", async () => {
  const channel = channelTo(4_711);
  await expect(channel.deliver(call("test%stream"))).rejects.toThrow(
    'parse "http://127.0.0.1:4711/test%stream": invalid URL escape "%st"',
  );
});

test.for([
  [undefined, "missing HTTP extension field"],
  [{ verb: "", query: "" }, "invalid HTTP verb"],
  [{ verb: "CONNECT", query: "" }, "invalid HTTP verb"],
] as const)("a call with %j is no HTTP request", async ([http, message]) => {
  const delivered = channelTo(4_711).deliver(call("m", { http }));
  await expect(delivered).rejects.toMatchObject({ rpc: { code: 3, message } });
});

test("an app that does not listen is unreachable, in Go's words", async () => {
  const server = createTcpServer();
  const port = await listen(server);
  server.close();
  await expect(channelTo(port).deliver(call("foo"))).rejects.toMatchObject({
    code: "OTR_APP_UNREACHABLE",
    message: `Get "http://127.0.0.1:${port}/foo": dial tcp 127.0.0.1:${port}: connect: connection refused`,
  });
});

test("an app that closes without an answer is an EOF", async () => {
  const { port } = await rawApp((socket) => socket.end());
  const delivered = channelTo(port).deliver(
    call("b", { http: { verb: "POST", query: "" }, body: Buffer.from("x") }),
  );
  await expect(delivered).rejects.toThrow(`Post "http://127.0.0.1:${port}/b": EOF`);
});

test("an answer shorter than declared counts as complete", async () => {
  const { port } = await rawApp((socket) =>
    socket.end("HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\nabcd"),
  );
  const response = await channelTo(port).deliver(call("b"));
  expect(await text(response.body)).toBe("abcd");
});

test("a short declared answer in two pieces is one, in memory", async () => {
  const { port } = await rawApp((socket) => {
    socket.write("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\none");
    // Behind the turn in which the first piece is read.
    setTimeout(() => socket.end("two"), 5);
  });
  const { body } = await channelTo(port).deliver(call("b"));
  expect(Buffer.from(body as Uint8Array).toString()).toBe("onetwo");
});

test.each(["Content-Length: 6", "Content-Length: 20000"])(
  "an answer with %s that takes its time streams",
  async (length) => {
    let finish: () => void = () => undefined;
    const { port } = await rawApp((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\n${length}\r\n\r\none`);
      finish = () => socket.end("two");
    });
    const response = await channelTo(port).deliver(call("b"));
    finish();
    expect(await text(response.body)).toBe("onetwo");
  },
);

test("an answer without a length that breaks off while it streams is an error", async () => {
  const { port } = await rawApp((socket) => {
    socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n");
    setTimeout(() => socket.end(), 20);
  });
  const response = await channelTo(port).deliver(call("b"));
  await expect(text(response.body)).rejects.toThrow("aborted");
});

test("response headers pass in canonical form, without hop-by-hop ones", async () => {
  const { port } = await rawApp((socket) =>
    socket.end(
      "HTTP/1.1 404 Nope\r\nset-cookie: a\r\nSet-Cookie: b\r\nConnection: x-gone\r\nX-Gone: 1\r\n" +
        "content-type: text/plain\r\nContent-Length: 4\r\n\r\nnope",
    ),
  );
  const response = await channelTo(port).deliver(call("b"));
  expect(response).toMatchObject({ status: { code: 404 }, contentType: "text/plain" });
  expect(response.headers).toEqual([
    ...["Set-Cookie", "a", "Set-Cookie", "b", "Content-Type", "text/plain"],
  ]);
});

test("the head and the first part arrive while the app still works", async () => {
  let finish: () => void = () => undefined;
  const port = await httpApp((_request, response) => {
    response.write("first;");
    finish = () => response.end("last");
  });
  const response = await channelTo(port).deliver(call("b"));
  const parts = (response.body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  expect(Buffer.from((await parts.next()).value as Uint8Array).toString()).toBe("first;");
  finish();
  expect(Buffer.from((await parts.next()).value as Uint8Array).toString()).toBe("last");
  expect((await parts.next()).done).toBe(true);
});

async function* endless(onChunk: () => void): AsyncGenerator<Uint8Array> {
  for (;;) {
    onChunk();
    yield Buffer.alloc(65_536);
  }
}

test("a slow app stops the writer", async () => {
  let produced = 0;
  const { port } = await rawApp((socket) => socket.pause());
  const caller = new AbortController();
  const delivered = channelTo(port).deliver(
    call("b", {
      http: { verb: "POST", query: "" },
      body: endless(() => {
        produced += 1;
      }),
      signal: caller.signal,
    }),
  );
  let before = -1;
  while (before !== produced || produced === 0) {
    before = produced;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  expect(produced).toBeLessThan(1_000);
  caller.abort();
  await expect(delivered).rejects.toMatchObject({ code: "OTR_ABORTED" });
});

test("a streamed body travels chunked, one of known length with its length", async () => {
  const heads: (string | undefined)[] = [];
  const port = await httpApp((request, response) => {
    heads.push(request.headers["transfer-encoding"], request.headers["content-length"]);
    request.resume();
    request.on("end", () => response.end());
  });
  async function* parts(): AsyncGenerator<Uint8Array> {
    yield Buffer.from("abc");
    yield Buffer.from("def");
  }
  const channel = channelTo(port);
  const post = { http: { verb: "POST", query: "" } };
  await channel.deliver(call("b", { ...post, body: parts() }));
  await channel.deliver(call("b", { ...post, body: parts(), bodyLength: 6 }));
  expect(heads).toEqual(["chunked", undefined, undefined, "6"]);
  await expect(
    channel.deliver(call("b", { ...post, body: parts(), bodyLength: 7 })),
  ).rejects.toThrow("http: ContentLength=7 with Body length 6");
});

test("a body of unknown length stays chunked when it is in memory", async () => {
  const { port, seen } = await rawApp((socket) => socket.end(ok));
  await channelTo(port).deliver(
    call("b", {
      http: { verb: "POST", query: "" },
      body: Buffer.from("abc"),
      bodyLength: undefined,
    }),
  );
  expect(seen[0]).toContain("Transfer-Encoding: chunked\r\n");
  expect(seen[0]).not.toContain("Content-Length");
});

test("the caller's abort reaches the app", async () => {
  let closed: () => void = () => undefined;
  const appSawEnd = new Promise<void>((resolve) => {
    closed = resolve;
  });
  let reached: () => void = () => undefined;
  const appReached = new Promise<void>((resolve) => {
    reached = resolve;
  });
  const port = await httpApp((_request, response) => {
    reached();
    response.once("close", closed);
  });
  const caller = new AbortController();
  const delivered = channelTo(port).deliver(call("slow", { signal: caller.signal }));
  await appReached;
  caller.abort();
  await expect(delivered).rejects.toMatchObject({ code: "OTR_ABORTED" });
  await appSawEnd;
});

test("an answer cut off by the call's own end does not pass for a whole one", async () => {
  const port = await httpApp((_request, response) => {
    response.write("first;");
  });
  const caller = new AbortController();
  const response = await channelTo(port).deliver(call("b", { signal: caller.signal }));
  const parts = (response.body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  await parts.next();
  const rest = parts.next();
  caller.abort();
  await expect(rest).rejects.toMatchObject({ code: "OTR_ABORTED" });
});

test("the limit holds a call back until a body was read, and lets waiters leave", async () => {
  let running = 0;
  let most = 0;
  const port = await httpApp((_request, response) => {
    running += 1;
    most = Math.max(most, running);
    response.once("close", () => {
      running -= 1;
    });
    response.write("part");
    setImmediate(() => response.end("rest"));
  });
  const channel = channelTo(port, { maxConcurrency: 2 });
  const leaver = new AbortController();
  const calls = Array.from({ length: 10 }, async () =>
    text((await channel.deliver(call("b"))).body),
  );
  const left = channel.deliver(call("b", { signal: leaver.signal }));
  leaver.abort();
  await expect(left).rejects.toMatchObject({ code: "OTR_ABORTED" });
  expect(await Promise.all(calls)).toEqual(Array.from({ length: 10 }, () => "partrest"));
  expect(most).toBeLessThanOrEqual(2);
});

test("the app token replaces what the client sent", async () => {
  const { port, seen } = await rawApp((socket) => socket.end(ok));
  await channelTo(port, { appToken: "secret" }).deliver(
    call("m", { metadata: ["Dapr-Api-Token", "forged"] }),
  );
  expect(seen[0]).toContain("Dapr-Api-Token: secret\r\n");
  expect(seen[0]).not.toContain("forged");
});

test.for([
  [204, true],
  [302, false],
  [500, false],
])("a probe answered with %i is healthy: %s", async ([status, healthy]) => {
  const port = await httpApp((_request, response) => {
    response.writeHead(status as number).end();
  });
  const channel = channelTo(port);
  expect(await channel.probe?.("alive", 1_000, new AbortController().signal)).toBe(healthy);
});

test("the app is greeted, unless that is switched off", async () => {
  const urls: (string | undefined)[] = [];
  const port = await httpApp((incoming, response) => {
    urls.push(incoming.url);
    response.end();
  });
  await channelTo(port, { greets: false }).greet?.(new AbortController().signal);
  expect(urls).toEqual([]);
  await channelTo(port).greet?.(new AbortController().signal);
  expect(urls).toEqual(["/dapr/config"]);
});

test("an app that does not answer its probe in time is unhealthy", async () => {
  const { port } = await rawApp(() => undefined);
  const channel = channelTo(port);
  expect(await channel.probe?.("/", 20, new AbortController().signal)).toBe(false);
});

test("waiting for the app ends when it listens, or with the signal", async () => {
  const server = createTcpServer();
  const port = await listen(server);
  server.close();
  const stopper = new AbortController();
  const gaveUp = channelTo(port).waitUntilListening?.(stopper.signal);
  stopper.abort();
  await expect(gaveUp).rejects.toThrow();
  const waiting = channelTo(port).waitUntilListening?.(new AbortController().signal);
  const app = createTcpServer();
  app.listen(port, "127.0.0.1");
  servers.push(app);
  await waiting;
});

test("an oversized answer head fails the call", async () => {
  const { port } = await rawApp((socket) =>
    socket.end(`HTTP/1.1 200 OK\r\nX-Big: ${"x".repeat(5_000)}\r\nContent-Length: 0\r\n\r\n`),
  );
  await expect(channelTo(port).deliver(call("m"))).rejects.toThrow(
    "server response headers exceeded 4096 bytes",
  );
});

test("wrong options name the field", () => {
  expect(() => appChannelHttp({ port: 0 })).toThrow(
    "port: must be a whole number from 1 to 65535 (got 0)",
  );
});
