import { connect as connectTcp } from "node:net";
import { gzipSync } from "node:zlib";
import {
  frameMessage,
  GrpcClient,
  type GrpcClientOptions,
  type GrpcHandler,
  type GrpcResponse,
  GrpcServer,
  type GrpcServerOptions,
} from "@outrigger/grpc-http2";
import { afterEach, expect, test } from "vitest";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const message = (content: string): Uint8Array => frameMessage(Buffer.from(content));

async function serve(
  methods: Record<string, GrpcHandler>,
  options: Omit<GrpcServerOptions, "methods"> = {},
  clientOptions: GrpcClientOptions = {},
): Promise<{ client: GrpcClient; server: GrpcServer; port: number }> {
  const server = new GrpcServer({ ...options, methods: new Map(Object.entries(methods)) });
  const { port } = await server.listen("127.0.0.1", 0);
  const client = new GrpcClient({ host: "127.0.0.1", port }, clientOptions);
  cleanups.push(
    () => server.close(),
    () => client.close(),
  );
  return { client, server, port };
}

async function readAll(response: GrpcResponse): Promise<string[]> {
  const texts: string[] = [];
  for await (const frame of response.messages) texts.push(text(frame.data));
  return texts;
}

const echo: GrpcHandler = async (call) => {
  call.respond(["x-seen", call.header("x-sent") ?? "", "x-many", "1", "x-many", "2"]);
  for await (const frame of call.messages) await call.write(frameMessage(frame.data));
  call.finish({ code: 0, message: "" }, ["x-trailer", "t"]);
};

test("an echoed call carries messages, headers and trailers both ways", async () => {
  const { client } = await serve({ "/s/echo": echo });

  const response = await client.call({
    path: "/s/echo",
    headers: ["x-sent", "caf\xe9"],
    body: Buffer.concat([message("one"), message(""), message("three")]),
  });

  expect(await readAll(response)).toEqual(["one", "", "three"]);
  expect(response.status).toMatchObject({ code: 0 });
  expect(response.headers.join("|")).toContain("x-seen|caf\xe9|x-many|1|x-many|2");
  expect(response.trailers.join("|")).toContain("x-trailer|t");
});

test("a failure before any message is a status with its text and details", async () => {
  const { client } = await serve({
    "/s/fail": async (call) =>
      call.finish({ code: 20, message: "50% of über\n", detailsBin: new Uint8Array([1, 2]) }),
  });

  const { status } = await client.call({ path: "/s/fail", headers: [], body: message("x") });

  expect(status).toMatchObject({ code: 20, message: "50% of über\n" });
  expect([...(status?.detailsBin ?? [])]).toEqual([1, 2]);
});

test("an unknown method is unimplemented, unless somebody takes unknown methods", async () => {
  const plain = await serve({});
  const hooked = await serve({}, { unknownMethod: echo });
  const request = { path: "/a.B/C", headers: [], body: message("x") };

  expect((await plain.client.call(request)).status).toMatchObject({
    code: 12,
    message: "unknown method C for service a.B",
  });
  expect(await readAll(await hooked.client.call(request))).toEqual(["x"]);
});

test("large messages and streams pass with back-pressure in both directions", async () => {
  const { client } = await serve({ "/s/echo": echo });
  const big = Buffer.alloc(300_000, 7);
  async function* body(): AsyncGenerator<Uint8Array> {
    for (let index = 0; index < 40; index += 1) yield frameMessage(big);
  }

  const response = await client.call({ path: "/s/echo", headers: [], body: body() });
  let bytes = 0;
  for await (const frame of response.messages) bytes += frame.data.length;

  expect(bytes).toBe(40 * big.length);
  expect(response.status).toMatchObject({ code: 0 });
});

test("a producer stops while nobody reads", async () => {
  let written = 0;
  const { client } = await serve({
    "/s/flood": async (call) => {
      while (written < 2_000 && !call.finished) {
        await call.write(frameMessage(Buffer.alloc(16_384)));
        written += 1;
      }
    },
  });

  const response = await client.call({ path: "/s/flood", headers: [], body: message("") });
  await client.call({ path: "/s/none", headers: [], body: message("") });
  const before = written;
  await client.call({ path: "/s/none", headers: [], body: message("") });

  expect(before).toBeLessThan(200);
  expect(written).toBeLessThan(200);
  await readAll(response);
  expect(written).toBe(2_000);
});

test("a message above the limit is refused by either side", async () => {
  const { client } = await serve({ "/s/echo": echo }, { maxMessageBytes: 10 }, {});
  const small = await serve({ "/s/echo": echo }, {}, { maxMessageBytes: 10 });
  const request = { path: "/s/echo", headers: [], body: message("eleven byte") };
  const refusal = {
    code: 8,
    message: "grpc: received message larger than max (11 vs. 10)",
  };

  expect((await client.call(request)).status).toMatchObject(refusal);
  const response = await small.client.call(request);
  await readAll(response);
  expect(response.status).toMatchObject(refusal);
});

test("compressed messages are passed as they are and decoded on demand, within the limit", async () => {
  const { client } = await serve(
    {
      "/s/decode": async (call) => {
        const frame = await call.messages.read();
        if (frame === undefined) return;
        await call.write(frameMessage(await call.decode(frame)));
      },
    },
    { maxMessageBytes: 1_000 },
  );
  const send = (bytes: Uint8Array, encoding: string) =>
    client.call({
      path: "/s/decode",
      headers: ["grpc-encoding", encoding],
      body: frameMessage(bytes, true),
    });

  expect(await readAll(await send(gzipSync("plain"), "gzip"))).toEqual(["plain"]);
  expect((await send(gzipSync(Buffer.alloc(5_000)), "gzip")).status).toMatchObject({ code: 8 });
  expect((await send(gzipSync("x"), "snappy")).status).toMatchObject({
    code: 12,
    message: 'grpc: Decompressor is not installed for grpc-encoding "snappy"',
  });
});

test("abort cancels the server's call", async () => {
  let arrived: () => void = () => undefined;
  const waiting = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  let cancelled: () => void = () => undefined;
  const seen = new Promise<void>((resolve) => {
    cancelled = resolve;
  });
  const { client } = await serve({
    "/s/hang": (call) => {
      arrived();
      return new Promise<void>((resolve) => {
        call.signal.addEventListener("abort", () => {
          cancelled();
          resolve();
        });
      });
    },
  });
  const abort = new AbortController();

  const calling = client.call({
    path: "/s/hang",
    headers: [],
    body: message("x"),
    signal: abort.signal,
  });
  await waiting;
  abort.abort();

  expect((await calling).status).toMatchObject({ code: 1, origin: "abort" });
  await seen;
});

test("the deadline ends the call on both sides", async () => {
  let reason: unknown;
  const { client } = await serve({
    "/s/hang": (call) =>
      new Promise<void>((resolve) => {
        call.signal.addEventListener("abort", () => {
          reason = call.signal.reason;
          resolve();
        });
      }),
  });

  const deadlineMs = Date.now() + 40;
  const response = await client.call({
    path: "/s/hang",
    headers: [],
    body: message("x"),
    deadlineMs,
  });

  expect(response.status).toMatchObject({ code: 4 });
  await expect.poll(() => reason).toBeInstanceOf(DOMException);
});

test("a refused connection is unavailable in the words of Go", async () => {
  const { client, server } = await serve({});
  const { port } = await new GrpcServer({ methods: new Map() })
    .listen("127.0.0.1", 0)
    .then(async (address) => address);
  expect(port).toBeGreaterThan(0);
  await server.close();

  const { status } = await client.call({ path: "/s/x", headers: [], body: message("x") });

  expect(status?.code).toBe(14);
  expect(status?.message).toMatch(
    /^connection error: desc = "transport: Error while dialing: dial tcp 127\.0\.0\.1:\d+: connect: connection refused"$/,
  );
});

test("calls spread over sessions of a hundred", async () => {
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  let running = 0;
  const { client } = await serve({
    "/s/wait": async () => {
      running += 1;
      await released;
    },
  });

  const calls = Array.from({ length: 250 }, () =>
    client.call({ path: "/s/wait", headers: [], body: message("x") }),
  );
  await expect.poll(() => running).toBe(250);
  expect(client.sessionCount).toBe(3);
  release();

  for (const response of await Promise.all(calls)) expect(response.status?.code).toBe(0);
});

test("drain lets calls under way finish and refuses new ones", async () => {
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  let running = false;
  const { client, server } = await serve({
    "/s/wait": async (call) => {
      running = true;
      await released;
      await call.write(message("done"));
    },
  });
  const request = { path: "/s/wait", headers: [], body: message("x") };

  const underWay = client.call(request);
  await expect.poll(() => running).toBe(true);
  const draining = server.drain(AbortSignal.timeout(5_000));
  await expect
    .poll(async () => (await client.call(request)).status)
    .toMatchObject({ code: 14, origin: "connection" });
  release();

  expect(await readAll(await underWay)).toEqual(["done"]);
  await draining;
});

test("calls beyond the bound on sessions share those that are there", async () => {
  let running = 0;
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const wait: GrpcHandler = async () => {
    running += 1;
    await released;
  };
  const { client } = await serve(
    { "/s/wait": wait },
    {},
    { maxSessions: 2, maxStreamsPerSession: 3 },
  );

  const request = { path: "/s/wait", headers: [], body: message("x") };
  const calls = Array.from({ length: 11 }, () => client.call(request));
  await expect.poll(() => running).toBe(11);
  expect(client.sessionCount).toBe(2);

  release();
  for (const call of calls) expect((await call).status).toMatchObject({ code: 0 });
});

test("an answer with binary metadata that is no base64 is INTERNAL", async () => {
  const { client } = await serve({
    "/s/head": async (call) => {
      await call.write(message("x"));
      call.respond();
      call.finish({ code: 0, message: "" }, ["x-bin", "A!"]);
    },
    "/s/only": async (call) => call.finish({ code: 5, message: "" }, ["x-bin", "A!"]),
    "/s/first": async (call) => {
      call.respond(["x-bin", "A!"]);
      await call.write(message("x"));
      call.finish();
    },
  });
  for (const path of ["/s/head", "/s/only", "/s/first"]) {
    const response = await client.call({ path, headers: [], body: message("x") });
    while ((await response.messages.read()) !== undefined);
    expect(response.status).toMatchObject({
      code: 13,
      message: "transport: malformed x-bin: illegal base64 data at input byte 1",
    });
  }
});

test("a lost connection is unavailable and the next call dials again", async () => {
  const { client, server, port } = await serve({
    "/s/hang": (call) =>
      new Promise<void>((resolve) => call.signal.addEventListener("abort", () => resolve())),
  });
  const request = { path: "/s/hang", headers: [], body: message("x") };
  const lost = client.call(request);
  await expect.poll(() => client.sessionCount).toBe(1);
  await client.call({ ...request, path: "/s/none" });
  await server.close();

  expect((await lost).status).toMatchObject({ code: 14, origin: "connection" });

  const next = new GrpcServer({ methods: new Map([["/s/hang", echo]]) });
  await next.listen("127.0.0.1", port);
  cleanups.push(() => next.close());
  expect(await readAll(await client.call(request))).toEqual(["x"]);
});

test("a server sends its settings at once and survives garbage", async () => {
  const { client, port } = await serve({ "/s/echo": echo });

  const first = await new Promise<Buffer>((resolve, reject) => {
    const socket = connectTcp(port, "127.0.0.1");
    socket.once("data", (data) => {
      resolve(data);
      socket.end("GET / HTTP/1.1\r\n\r\n");
    });
    socket.once("error", reject);
  });
  expect(first[3]).toBe(4);

  const response = await client.call({ path: "/s/echo", headers: [], body: message("x") });
  expect(await readAll(response)).toEqual(["x"]);
});

const brisk = { pingMs: 20, pingTimeoutMs: 20, idleMs: 60 };

test("an idle session is closed by the client, and by the server", async () => {
  const byClient = await serve({ "/s/echo": echo }, {}, { keepAlive: brisk });
  const byServer = await serve({ "/s/echo": echo }, { keepAlive: brisk });
  for (const { client } of [byClient, byServer]) {
    await client.call({ path: "/s/echo", headers: [], body: message("x") });
    expect(client.sessionCount).toBe(1);
    await expect.poll(() => client.sessionCount).toBe(0);
  }
});

test("a peer that does not answer pings is given up, with its calls", async () => {
  const { createServer } = await import("node:net");
  const sockets: { destroy(): void }[] = [];
  const mute = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => undefined);
    // An empty SETTINGS frame (RFC 9113 section 6.5), then nothing.
    socket.write(Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]));
    socket.resume();
  });
  await new Promise<void>((resolve) => mute.listen(0, "127.0.0.1", resolve));
  const address = mute.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const client = new GrpcClient({ host: "127.0.0.1", port }, { keepAlive: brisk });
  cleanups.push(
    () => mute.close(),
    () => {
      for (const socket of sockets) socket.destroy();
    },
    () => client.close(),
  );

  const { status } = await client.call({ path: "/s/x", headers: [], body: message("x") });

  expect(status).toMatchObject({ code: 14, origin: "connection" });
  await expect.poll(() => client.sessionCount).toBe(0);
});

test("an early answer stops the producer of the request", async () => {
  let stopped = false;
  const { client } = await serve({
    "/s/early": async (call) => call.finish({ code: 0, message: "" }, [], message("early")),
  });
  async function* endless(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) yield message("more");
    } finally {
      stopped = true;
    }
  }

  const response = await client.call({ path: "/s/early", headers: [], body: endless() });

  expect(await readAll(response)).toEqual(["early"]);
  await expect.poll(() => stopped).toBe(true);
});

test("reset lets calls under way end and dials anew", async () => {
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  let running = 0;
  const { client } = await serve({
    "/s/echo": echo,
    "/s/wait": async (call) => {
      running += 1;
      await released;
      await call.write(message("done"));
    },
  });
  const waiting = client.call({ path: "/s/wait", headers: [], body: message("x") });
  await expect.poll(() => running).toBe(1);

  client.reset();
  expect(client.sessionCount).toBe(0);
  const next = await client.call({ path: "/s/echo", headers: [], body: message("again") });
  release();

  expect(await readAll(next)).toEqual(["again"]);
  expect(await readAll(await waiting)).toEqual(["done"]);
});

test("a dial to something that does not speak HTTP/2 is bounded", async () => {
  const { createServer } = await import("node:net");
  const silent = createServer();
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  const address = silent.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const client = new GrpcClient({ host: "127.0.0.1", port }, { connectTimeoutMs: 50 });
  cleanups.push(
    () => silent.close(),
    () => client.close(),
  );

  const { status } = await client.call({ path: "/s/x", headers: [], body: message("x") });

  expect(status).toMatchObject({ code: 14, origin: "connection" });
});
