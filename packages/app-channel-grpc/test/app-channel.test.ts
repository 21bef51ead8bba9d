import { Server, ServerCredentials, status } from "@grpc/grpc-js";
import { appChannelGrpc, appProxyGrpc } from "@outrigger/app-channel-grpc";
import { type ComponentContext, type ReceivedCall, silentLogger } from "@outrigger/core";
import { frameMessage, GrpcServer, type GrpcServerCall } from "@outrigger/grpc-http2";
import {
  appPaths,
  decodeInvokeRequest,
  encodeInvokeResponse,
  encodeStatus,
} from "@outrigger/protocol";
import { afterEach, expect, test } from "vitest";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const context: ComponentContext = {
  appId: "app",
  namespace: "default",
  log: silentLogger,
  now: Date.now,
  random: Math.random,
};

async function startApp(
  onInvoke: (call: GrpcServerCall) => Promise<void>,
  others: [string, (call: GrpcServerCall) => Promise<void>][] = [],
): Promise<number> {
  const server = new GrpcServer({ methods: new Map([[appPaths.OnInvoke, onInvoke], ...others]) });
  cleanups.push(() => server.close());
  return (await server.listen("127.0.0.1", 0)).port;
}

function received(parts: Partial<ReceivedCall> = {}): ReceivedCall {
  return {
    target: "",
    method: "m",
    http: undefined,
    origin: "grpc",
    metadata: [],
    contentType: "t/p",
    typeUrl: "",
    body: Buffer.from("hi"),
    bodyLength: 2,
    signal: new AbortController().signal,
    ...parts,
  };
}

function channel(
  options: Parameters<typeof appChannelGrpc>[0],
): ReturnType<ReturnType<typeof appChannelGrpc>> {
  const made = appChannelGrpc(options)(context);
  cleanups.push(() => made.stop?.());
  return made;
}

const answer = frameMessage(
  encodeInvokeResponse({ contentType: "r/t", data: { typeUrl: "t/R", value: Buffer.from("yo") } }),
);

test("OnInvoke gets data always, converted metadata and the app's token; the answer comes whole", async () => {
  const seen: GrpcServerCall[] = [];
  const bodies: string[] = [];
  const port = await startApp(async (call) => {
    seen.push(call);
    const frame = await call.messages.read();
    const message = decodeInvokeRequest(frame?.data ?? new Uint8Array(0));
    bodies.push(
      message.data === undefined ? "no data" : Buffer.from(message.data.value).toString(),
    );
    call.respond(["x-h", "1", "h-bin", "AQI"]);
    call.finish(undefined, ["t-bin", "BAUG"], answer);
  });
  const app = channel({ port, appToken: "secret" });
  const metadata = [
    "Accept",
    "a/b",
    "blob-bin",
    "AAECAw==",
    "dapr-api-token",
    "client",
    "user-agent",
    "c/1",
  ];
  const response = await app.deliver(received({ metadata }));
  await app.deliver(received({ body: new Uint8Array(0) }));

  expect(response).toMatchObject({ status: { code: 0 }, contentType: "r/t", typeUrl: "t/R" });
  expect(response.body).toEqual(Buffer.from("yo"));
  expect(response.headers.join("|")).toContain("x-h|1|h-bin|AQI=");
  expect(response.headers.join("|")).toContain("content-type|application/grpc");
  expect(response.trailers).toEqual(["t-bin", "BAUG"]);
  expect(bodies).toEqual(["hi", ""]);
  const headers = seen[0]?.headers.join("|") ?? "";
  for (const part of ["dapr-accept|a/b", "blob-bin|AAECAw", "dapr-api-token|secret"]) {
    expect(headers).toContain(part);
  }
  expect(headers).not.toMatch(/client|c\/1/);
});

test("an app's failure, a dead app and a message too long are statuses, not errors", async () => {
  const detailsBin = encodeStatus({
    code: 6,
    message: "dup",
    details: [{ typeUrl: "t/D", value: Buffer.from([1]) }],
  });
  const port = await startApp(async (call) => {
    call.finish({ code: 6, message: "dup", detailsBin }, ["x-t", "1"]);
  });
  const failed = await channel({ port }).deliver(received());
  expect(failed).toMatchObject({ status: { code: 6, message: "dup" }, headers: [] });
  expect(failed.status.details[0]?.typeUrl).toBe("t/D");
  expect(failed.trailers).toContain("x-t");
  const dead = await channel({ port: 1 }).deliver(received());
  expect(dead.status.code).toBe(14);
  async function* streamed(): AsyncGenerator<Uint8Array> {
    for (let index = 0; index < 10; index++) yield Buffer.alloc(10_000);
  }
  const small = channel({ port, maxMessageBytes: 65_536 });
  const long = await small.deliver(
    received({ method: "big", contentType: "", body: streamed(), bodyLength: undefined }),
  );
  expect(long.status).toMatchObject({
    code: 8,
    message: "trying to send message larger than max (100013 vs. 65536)",
  });
});

test("no more calls than allowed are at the app, and a caller that leaves does not end its call", async () => {
  let running = 0;
  let most = 0;
  const waiting: (() => void)[] = [];
  const signals: AbortSignal[] = [];
  const port = await startApp(async (call) => {
    signals.push(call.signal);
    running += 1;
    most = Math.max(most, running);
    await new Promise<void>((resolve) => waiting.push(resolve));
    running -= 1;
    call.finish(undefined, [], answer);
  });
  const app = channel({ port, maxConcurrency: 1 });
  const leaving = new AbortController();
  const first = app.deliver(received({ signal: leaving.signal }));
  const second = app.deliver(received());
  await expect.poll(() => waiting.length).toBe(1);
  leaving.abort();
  waiting[0]?.();
  expect((await first).status.code).toBe(0);
  await expect.poll(() => waiting.length).toBe(2);
  waiting[1]?.();
  expect((await second).status.code).toBe(0);
  expect([most, signals[0]?.aborted]).toEqual([1, false]);
});

test("the probe asks HealthCheck; waiting ends when the app listens", async () => {
  const healthy = await startApp(
    async () => undefined,
    [
      [
        appPaths.HealthCheck,
        async (call) => call.finish(undefined, [], frameMessage(new Uint8Array(0))),
      ],
    ],
  );
  const without = await startApp(async () => undefined);
  const { signal } = new AbortController();
  expect(await channel({ port: healthy }).probe?.("", 1_000, signal)).toBe(true);
  expect(await channel({ port: without }).probe?.("", 1_000, signal)).toBe(false);
  await channel({ port: healthy }).waitUntilListening?.(AbortSignal.timeout(5_000));
});

test("a grpc-js app gets proxied frames with its token; a dead one is UNAVAILABLE", async () => {
  const same = (bytes: Buffer): Buffer => bytes;
  const server = new Server();
  const method = {
    path: "/a.B/C",
    requestStream: false,
    responseStream: false,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
  const tokens: unknown[] = [];
  server.addService(
    { C: method },
    {
      C: (
        call: { request: Buffer; metadata: { get(name: string): unknown } },
        done: (error: { code: number; details: string } | null, value?: Buffer) => void,
      ) => {
        tokens.push(call.metadata.get("dapr-api-token"));
        if (call.request.length === 0) done({ code: status.ABORTED, details: "nothing" });
        else done(null, call.request);
      },
    },
  );
  const port = await new Promise<number>((resolve) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (_error, bound) =>
      resolve(bound),
    );
  });
  cleanups.push(() => server.forceShutdown());
  const proxy = appProxyGrpc({ port, appToken: "secret" })(context);
  cleanups.push(() => proxy.stop?.());
  const callWith = (data: string): Parameters<typeof proxy.proxy>[0] => ({
    path: "/a.B/C",
    metadata: ["dapr-api-token", "client", "user-agent", "c/1"],
    frames: (async function* () {
      yield frameMessage(Buffer.from(data));
    })(),
    signal: AbortSignal.timeout(5_000),
  });
  const response = await proxy.proxy(callWith("ping"));
  const chunks: Uint8Array[] = [];
  for await (const chunk of response.frames) chunks.push(chunk);
  expect(Buffer.concat(chunks).subarray(5).toString()).toBe("ping");
  expect((await response.ended).status.code).toBe(0);
  const failed = await proxy.proxy(callWith(""));
  for await (const _chunk of failed.frames) expect.unreachable();
  expect((await failed.ended).status).toEqual({ code: status.ABORTED, message: "nothing" });
  expect(tokens).toEqual([["secret"], ["secret"]]);
  for (const deadPort of [1, 0]) {
    const dead = appProxyGrpc({ port: deadPort })(context);
    cleanups.push(() => dead.stop?.());
    await expect(dead.proxy(callWith("x"))).rejects.toMatchObject({
      code: "OTR_APP_UNREACHABLE",
      rpc: {
        code: 14,
        message: `connection error: desc = "transport: Error while dialing: dial tcp 127.0.0.1:${deadPort}: connect: connection refused"`,
      },
    });
  }
});
