import { once } from "node:events";
import {
  constants,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type ServerOptions,
} from "node:http2";
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

type Handler = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

interface App {
  readonly port: number;
  readonly sessions: ServerHttp2Session[];
  end(): Promise<void>;
}

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function startApp(handler: Handler, options: ServerOptions = {}, port = 0): Promise<App> {
  const server: Http2Server = createServer(options);
  const sessions: ServerHttp2Session[] = [];
  server.on("session", (session) => {
    sessions.push(session);
    session.on("error", () => undefined);
  });
  server.on("stream", (stream, headers) => {
    stream.on("error", () => undefined);
    handler(stream, headers);
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const end = async (): Promise<void> => {
    for (const session of sessions) session.destroy();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  };
  cleanups.push(end);
  return { port: (server.address() as AddressInfo).port, sessions, end };
}

async function startRaw(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

function channelTo(port: number, options: Partial<AppChannelHttpOptions> = {}): AppChannel {
  const channel = appChannelHttp({ port, protocol: "h2c", ...options })({
    appId: "orders",
    namespace: "default",
    log: silentLogger,
    now: Date.now,
    random: Math.random,
  });
  cleanups.push(() => channel.stop?.());
  return channel;
}

function call(overrides: Partial<ReceivedCall> = {}): ReceivedCall {
  const body = overrides.body ?? emptyBody;
  return {
    target: "",
    method: "m",
    http: { verb: body === emptyBody ? "GET" : "POST", query: "" },
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

async function deliverText(channel: AppChannel, overrides: Partial<ReceivedCall> = {}) {
  const { body, status } = await channel.deliver(call(overrides));
  const text = Buffer.from(await readBody(body, 100_000_000)).toString();
  return `${status.code} ${text}`;
}

async function waitFor(check: () => boolean): Promise<void> {
  const endsAt = Date.now() + 5_000;
  while (!check()) {
    if (Date.now() > endsAt) throw new Error("waited 5 s in vain");
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function signalled(): { readonly done: Promise<void>; readonly set: () => void } {
  let set: () => void = () => undefined;
  const done = new Promise<void>((resolve) => {
    set = resolve;
  });
  return { done, set };
}

const echo: Handler = (stream) => {
  stream.respond({ ":status": 200 });
  stream.pipe(stream);
};

test("the app gets verb, path, query, body and headers, and none that HTTP/2 forbids", async () => {
  let seen: [string, unknown][] = [];
  const { port } = await startApp((stream, headers) => {
    seen = Object.entries(headers);
    echo(stream, headers);
  });
  const text = await deliverText(channelTo(port, { appToken: "secret" }), {
    http: { verb: "POST", query: "x=1&y" },
    method: "a/b",
    body: Buffer.from("hi"),
    contentType: "text/plain",
    metadata: [
      ...["X-A", "1", "X-A", "2", "X-Bytes", "caf\xe9", "Connection", "X-Drop", "X-Drop", "1"],
      ...["TE", "trailers", "Keep-Alive", "1", "Upgrade", "h2c", "Referer", "a", "Referer", "b"],
    ],
  });
  expect(text).toBe("200 hi");
  expect(Object.fromEntries(seen)).toEqual({
    ":method": "POST",
    ":scheme": "http",
    ":authority": `127.0.0.1:${port}`,
    ":path": "/a/b?x=1&y",
    "content-length": "2",
    "content-type": "text/plain",
    "dapr-api-token": "secret",
    referer: "a, b",
    traceparent: `00-${"0".repeat(32)}-${"0".repeat(16)}-00`,
    "user-agent": "Go-http-client/2.0",
    "x-a": "1, 2",
    "x-bytes": "caf\xe9",
  });
});

test("status, repeated headers and body come back; informational answers and trailers do not", async () => {
  const { port } = await startApp((stream) => {
    stream.additionalHeaders({ ":status": 103, link: "</a>" });
    stream.respond(
      { ":status": 509, "set-cookie": ["a", "b"], "content-type": "a/b", "content-length": 4 },
      { waitForTrailers: true },
    );
    stream.once("wantTrailers", () => stream.sendTrailers({ "x-trailer": "1" }));
    stream.end("nope");
  });
  const response = await channelTo(port).deliver(call());
  expect(Buffer.from(await readBody(response.body, 10)).toString()).toBe("nope");
  expect(response).toMatchObject({ status: { code: 509 }, contentType: "a/b", trailers: [] });
  const names = response.headers.filter((_value, index) => index % 2 === 0);
  expect(names).toEqual(["Set-Cookie", "Set-Cookie", "Content-Type", "Date"]);
});

test("HEAD, 204 and empty bodies end at once", async () => {
  const { port } = await startApp((stream, headers) => {
    const isHead = headers[":method"] === "HEAD";
    stream.respond({ ":status": isHead ? 200 : 204, "x-end": "1" }, { endStream: true });
  });
  const channel = channelTo(port);
  expect(await deliverText(channel, { http: { verb: "HEAD", query: "" } })).toBe("200 ");
  expect(await deliverText(channel, { http: { verb: "POST", query: "" } })).toBe("204 ");
});

test("large heads pass in both directions, up to the limit of answers", async () => {
  // One field holds at most 64 KiB in nghttp2.
  const big = "x".repeat(60_000);
  const { port } = await startApp(
    (stream, headers) => {
      const length = `${headers["x-big"]?.length}`;
      stream.respond({ ":status": 200, "x-length": length, "x-a": big, "x-b": big });
      stream.end();
    },
    { settings: { maxHeaderListSize: 1_000_000 }, maxSendHeaderBlockLength: 1_000_000 },
  );
  const response = await channelTo(port).deliver(call({ metadata: ["X-Big", big, "X-Big", big] }));
  expect(response.headers).toContain("120002");
  const small = channelTo(port, { maxResponseHeaderBytes: 4_096 });
  await expect(small.deliver(call())).rejects.toThrow(
    `Get "http://127.0.0.1:${port}/m": http2: response header list larger than advertised limit`,
  );
});

test("bodies stream both ways while both are open", async () => {
  const { port } = await startApp(echo);
  const gate = signalled();
  async function* parts(): AsyncGenerator<Uint8Array> {
    yield Buffer.from("first;");
    await gate.done;
    yield Buffer.from("last");
  }
  const response = await channelTo(port).deliver(call({ body: parts() }));
  const answer = (response.body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  expect(Buffer.from((await answer.next()).value as Uint8Array).toString()).toBe("first;");
  gate.set();
  expect(Buffer.from((await answer.next()).value as Uint8Array).toString()).toBe("last");
  expect((await answer.next()).done).toBe(true);
});

test("a body of another length than declared fails, and the app sees the stream cancelled", async () => {
  const codes: (number | undefined)[] = [];
  const { port } = await startApp((stream) => {
    stream.resume();
    stream.once("close", () => codes.push(stream.rstCode));
  });
  async function* parts(): AsyncGenerator<Uint8Array> {
    yield Buffer.from("abc");
  }
  const delivered = channelTo(port).deliver(call({ body: parts(), bodyLength: 7 }));
  await expect(delivered).rejects.toThrow("http: ContentLength=7 with Body length 3");
  await waitFor(() => codes.length === 1);
  expect(codes).toEqual([constants.NGHTTP2_CANCEL]);
});

test("a slow app stops the writer, and leaving resets the stream with CANCEL", async () => {
  let produced = 0;
  let code: number | undefined;
  const { port } = await startApp((stream) => {
    stream.once("close", () => {
      code = stream.rstCode;
    });
  });
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) {
      produced += 1;
      yield Buffer.alloc(65_536);
    }
  }
  const caller = new AbortController();
  const channel = channelTo(port);
  const delivered = channel.deliver(call({ body: endless(), signal: caller.signal }));
  let before = -1;
  while (before !== produced || produced === 0) {
    before = produced;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect(produced).toBeLessThan(20);
  caller.abort();
  await expect(delivered).rejects.toMatchObject({ code: "OTR_ABORTED" });
  await waitFor(() => code !== undefined);
  expect(code).toBe(constants.NGHTTP2_CANCEL);
});

test("a slow reader stops the app, and giving the answer up resets the stream with CANCEL", async () => {
  let written = 0;
  let code: number | undefined;
  const { port } = await startApp((stream) => {
    stream.respond({ ":status": 200 });
    const write = (): void => {
      do written += 65_536;
      while (stream.write(Buffer.alloc(65_536)));
    };
    stream.on("drain", write);
    stream.once("close", () => {
      code = stream.rstCode;
    });
    write();
  });
  const response = await channelTo(port).deliver(call());
  const answer = (response.body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  await answer.next();
  let before = -1;
  while (before !== written) {
    before = written;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect(written).toBeLessThan(2_000_000);
  await answer.return?.();
  await waitFor(() => code !== undefined);
  expect(code).toBe(constants.NGHTTP2_CANCEL);
});

test("an answer that breaks off is no whole one, however it ends", async () => {
  const { port } = await startApp((stream, headers) => {
    stream.respond({ ":status": 200 });
    stream.write("part", () => {
      if (headers[":path"] === "/reset") stream.destroy(new Error("app"));
      else stream.session?.destroy();
    });
  });
  const channel = channelTo(port);
  await expect(deliverText(channel, { method: "reset" })).rejects.toThrow("INTERNAL_ERROR");
  await expect(deliverText(channel, { method: "lost" })).rejects.toThrow("unexpected EOF");
});

test("an answer cut off by the call's own end does not pass for a whole one", async () => {
  const { port } = await startApp((stream) => {
    stream.respond({ ":status": 200 });
    stream.write("first;");
  });
  const caller = new AbortController();
  const response = await channelTo(port).deliver(call({ signal: caller.signal }));
  const answer = (response.body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  await answer.next();
  const rest = answer.next();
  caller.abort();
  await expect(rest).rejects.toMatchObject({ code: "OTR_ABORTED" });
});

test("one session carries all calls that the app allows, more only beyond that", async () => {
  const gate = signalled();
  let running = 0;
  const handler: Handler = (stream) => {
    running += 1;
    void gate.done.then(() => {
      stream.respond({ ":status": 200 });
      stream.end("ok");
    });
  };
  const wide = await startApp(handler);
  const narrow = await startApp(handler, { settings: { maxConcurrentStreams: 2 } });
  const single = channelTo(narrow.port, { maxConnections: 1 });
  const all = Promise.all([
    ...Array.from({ length: 20 }, () => deliverText(channelTo20(wide.port))),
    ...Array.from({ length: 5 }, () => deliverText(channelTo20(narrow.port))),
    ...Array.from({ length: 5 }, () => deliverText(single)),
  ]);
  await waitFor(() => running === 27);
  expect([wide.sessions.length, narrow.sessions.length]).toEqual([1, 4]);
  gate.set();
  expect(await all).toEqual(Array.from({ length: 30 }, () => "200 ok"));
  expect(narrow.sessions.length).toBe(4);
});

const shared = new Map<number, AppChannel>();
/** One channel per port. */
function channelTo20(port: number): AppChannel {
  const channel = shared.get(port) ?? channelTo(port);
  shared.set(port, channel);
  return channel;
}

test("a call that waits for room can be given up", async () => {
  let reached = false;
  const { port } = await startApp(
    () => {
      reached = true;
    },
    { settings: { maxConcurrentStreams: 1 } },
  );
  const channel = channelTo(port, { maxConnections: 1 });
  const callers = [new AbortController(), new AbortController()];
  const calls = callers.map(({ signal }) => channel.deliver(call({ signal })));
  await waitFor(() => reached);
  callers[1]?.abort();
  await expect(calls[1]).rejects.toMatchObject({ code: "OTR_ABORTED" });
  callers[0]?.abort();
  await expect(calls[0]).rejects.toMatchObject({ code: "OTR_ABORTED" });
});

test("a refused stream is sent again, any other reset is not", async () => {
  const seen: string[] = [];
  const { port } = await startApp((stream, headers) => {
    seen.push(`${headers[":path"]}`);
    if (headers[":path"] === "/refused" && seen.length === 1) {
      stream.close(constants.NGHTTP2_REFUSED_STREAM);
    } else if (headers[":path"] === "/cancelled") stream.close(constants.NGHTTP2_CANCEL);
    else echo(stream, headers);
  });
  const channel = channelTo(port);
  const body = Buffer.from("x");
  expect(await deliverText(channel, { method: "refused", body })).toBe("200 x");
  await expect(deliverText(channel, { method: "cancelled", body })).rejects.toMatchObject({
    code: "OTR_APP_FAILED",
    message: expect.stringContaining("CANCEL; received from peer"),
  });
  expect(seen).toEqual(["/refused", "/refused", "/cancelled"]);
});

test("a request that GOAWAY leaves out is sent again on another session; a processed one is not", async () => {
  const seen: string[] = [];
  const { port, sessions } = await startApp((stream, headers) => {
    seen.push(`${headers[":path"]}`);
    if (sessions.length > 1) echo(stream, headers);
    else if (seen.length === 2) {
      // The first stream counts as processed, this one does not.
      stream.session?.goaway(constants.NGHTTP2_NO_ERROR, 1);
      setImmediate(() => sessions[0]?.destroy());
    }
  });
  const channel = channelTo(port);
  const body = Buffer.from("x");
  const first = channel.deliver(call({ method: "one", body }));
  first.catch(() => undefined);
  await waitFor(() => seen.length === 1);
  expect(await deliverText(channel, { method: "two", body })).toBe("200 x");
  await expect(first).rejects.toMatchObject({ code: "OTR_APP_FAILED" });
  expect(seen).toEqual(["/one", "/two", "/two"]);
  expect(sessions.length).toBe(2);
});

test("calls fail while the app is away and succeed after it came back", async () => {
  const app = await startApp(echo);
  const channel = channelTo(app.port);
  expect(await deliverText(channel)).toBe("200 ");
  await app.end();
  for (let round = 0; round < 3; round++) {
    await expect(channel.deliver(call())).rejects.toMatchObject({
      code: "OTR_APP_UNREACHABLE",
      message: `Get "http://127.0.0.1:${app.port}/m": dial tcp 127.0.0.1:${app.port}: connect: connection refused`,
    });
  }
  await startApp(echo, {}, app.port);
  expect(await deliverText(channel)).toBe("200 ");
});

test("an app that dies during a call is an error", async () => {
  const { port, sessions } = await startApp(() => sessions[0]?.socket.destroy());
  await expect(channelTo(port).deliver(call())).rejects.toMatchObject({
    code: "OTR_APP_FAILED",
    message: `Get "http://127.0.0.1:${port}/m": unexpected EOF`,
  });
});

test.for([
  ["speaks HTTP/1.1", "HTTP/1.1 400 Bad Request\r\n\r\n", "http2: the app's first bytes"],
  ["hangs up", "", "unexpected EOF"],
] as const)("an app that %s is an error", async ([, bytes, message]) => {
  const port = await startRaw(
    createTcpServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", () => socket.end(bytes));
    }),
  );
  await expect(channelTo(port).deliver(call())).rejects.toThrow(message);
});

test("an app that never says anything is unreachable after the dial's bound", async () => {
  const port = await startRaw(
    createTcpServer((socket) => {
      socket.on("error", () => undefined);
      socket.resume();
    }),
  );
  const channel = channelTo(port, { dialTimeoutMs: 50 });
  await expect(channel.deliver(call())).rejects.toThrow("i/o timeout");
});

test("an unused session is closed", async () => {
  const { port, sessions } = await startApp(echo);
  expect(await deliverText(channelTo(port, { idleTimeoutMs: 30 }))).toBe("200 ");
  await waitFor(() => sessions[0]?.destroyed === true);
});

test("stopping the channel ends calls and sessions", async () => {
  let reached = false;
  const { port, sessions } = await startApp(() => {
    reached = true;
  });
  const channel = channelTo(port);
  const delivered = channel.deliver(call());
  await waitFor(() => reached);
  await Promise.all([
    expect(delivered).rejects.toMatchObject({ code: "OTR_APP_FAILED" }),
    channel.stop?.(),
  ]);
  await waitFor(() => sessions[0]?.destroyed === true);
  await expect(channel.deliver(call())).rejects.toMatchObject({ code: "OTR_APP_FAILED" });
});

test("the limit holds the next call until an answer was read", async () => {
  let running = 0;
  let most = 0;
  const { port } = await startApp((stream) => {
    running += 1;
    most = Math.max(most, running);
    stream.once("close", () => {
      running -= 1;
    });
    stream.respond({ ":status": 200 });
    stream.write("part");
    setImmediate(() => stream.end("rest"));
  });
  const channel = channelTo(port, { maxConcurrency: 2 });
  const answers = await Promise.all(Array.from({ length: 10 }, () => deliverText(channel)));
  expect(answers).toEqual(Array.from({ length: 10 }, () => "200 partrest"));
  expect(most).toBeLessThanOrEqual(3);
});

test("probes and greetings travel over HTTP/2, too", async () => {
  const seen: string[] = [];
  const { port } = await startApp((stream, headers) => {
    seen.push(`${headers[":path"]} ${headers["dapr-app-id"]}`);
    stream.respond({ ":status": headers[":path"] === "/sick" ? 500 : 204 }, { endStream: true });
  });
  const channel = channelTo(port);
  const { signal } = new AbortController();
  await channel.waitUntilListening?.(signal);
  expect(await channel.probe?.("healthz", 1_000, signal)).toBe(true);
  expect(await channel.probe?.("sick", 1_000, signal)).toBe(false);
  await channel.greet?.(signal);
  expect(seen).toEqual(["/healthz undefined", "/sick undefined", "/dapr/config orders"]);
});
