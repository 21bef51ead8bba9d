import { connect } from "node:net";
import { frameMessage, GrpcClient, type GrpcHandler, GrpcServer } from "@outrigger/grpc-http2";
import { afterEach, expect, test } from "vitest";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function serve(handler: GrpcHandler): Promise<{ client: GrpcClient; port: number }> {
  const server = new GrpcServer({ methods: new Map([["/a/b", handler]]) });
  const { port } = await server.listen("127.0.0.1", 0);
  const client = new GrpcClient({ host: "127.0.0.1", port });
  cleanups.push(
    () => server.close(),
    () => client.close(),
  );
  return { client, port };
}

const body = frameMessage(Buffer.from("x"));
const answer: GrpcHandler = async (call) => call.finish({ code: 0, message: "" }, [], body);

async function statusOf(client: GrpcClient, headers: readonly string[] = []) {
  const response = await client.call({ path: "/a/b", headers, body });
  while ((await response.messages.read()) !== undefined);
  return { code: response.status?.code, message: response.status?.message };
}

test("headers that no peer can receive fail their own call and nothing else", async () => {
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  let running = 0;
  const { client } = await serve(async (call) => {
    running += 1;
    if (running === 1) await released;
    await answer(call);
  });
  const underWay = statusOf(client);
  await expect.poll(() => running).toBe(1);

  expect(await statusOf(client, ["x-big", "a".repeat(70_000)])).toMatchObject({ code: 13 });
  const many = Array.from({ length: 20 }, (_, index) => [`x-${index}`, "a".repeat(10_000)]).flat();
  expect(await statusOf(client, many)).toMatchObject({ code: 13 });
  expect(await statusOf(client, ["x-fine", "a".repeat(60_000)])).toMatchObject({ code: 0 });

  release();
  expect(await underWay).toMatchObject({ code: 0 });
});

test.for([
  ["a forbidden name", ["x y", "1"]],
  ["a size that no client can receive", ["x-big", "a".repeat(70_000)]],
] as const)("trailers with %s become an error of the call", async ([, trailers]) => {
  const late = await serve(async (call) => {
    await call.write(body);
    call.finish({ code: 0, message: "" }, trailers);
  });
  const only = await serve(async (call) => call.finish({ code: 5, message: "" }, trailers));
  for (const { client } of [late, only]) {
    expect(await statusOf(client)).toMatchObject({
      code: 13,
      message: expect.stringContaining("trailers cannot be sent"),
    });
  }
});

test("an error text of any length arrives, shortened", async () => {
  const { client } = await serve(async () => {
    throw new Error("e".repeat(1_000_000));
  });
  const { code, message } = await statusOf(client);
  expect(code).toBe(2);
  expect(message).toHaveLength(16_384);
});

test("answers that come before the body was sent never stop the process", async () => {
  const { client } = await serve(async (call) => {
    await call.messages.read();
    call.finish({ code: 3, message: "enough" });
  });
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) yield body;
  }
  for (let round = 0; round < 8; round += 1) {
    const calls = Array.from({ length: 20 }, async () => {
      const response = await client.call({ path: "/a/b", headers: [], body: endless() });
      while ((await response.messages.read()) !== undefined);
      return response.status?.code;
    });
    expect(new Set(await Promise.all(calls))).toEqual(new Set([3]));
  }
});

const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);

/** The same bytes in every run: a linear congruential generator. */
function noise(length: number, seed: number): Buffer {
  const bytes = Buffer.alloc(length);
  let state = seed;
  for (let index = 0; index < length; index += 1) {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff;
    bytes[index] = state >> 16;
  }
  return bytes;
}

/** A frame with a valid length and otherwise arbitrary content. */
function frame(seed: number): Buffer {
  const payload = noise(seed % 40, seed);
  const head = noise(9, seed + 1);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = seed % 10;
  head.writeUInt32BE(seed % 7, 5);
  return Buffer.concat([head, payload]);
}

test("whatever a peer sends, the server goes on serving others", async () => {
  const { client, port } = await serve(answer);
  const attacks = Array.from({ length: 60 }, (_, seed) =>
    seed % 2 === 0
      ? noise(300, seed)
      : Buffer.concat(Array.from({ length: 20 }, (_each, index) => frame(seed * 20 + index))),
  );

  await Promise.all(
    attacks.map(
      (attack) =>
        new Promise<void>((resolve) => {
          const socket = connect(port, "127.0.0.1");
          socket.on("error", () => undefined);
          socket.on("close", () => resolve());
          socket.resume();
          socket.end(Buffer.concat([preface, settings, attack]));
        }),
    ),
  );

  expect(await statusOf(client)).toMatchObject({ code: 0 });
});

test("a client under TLS that never shakes hands is let go, and told of", async () => {
  const refused: string[] = [];
  const server = new GrpcServer({
    methods: new Map(),
    tls: () => ({}),
    handshakeTimeoutMs: 50,
    onRefused: (reason) => refused.push(reason.message),
  });
  const { port } = await server.listen("127.0.0.1", 0);
  const socket = connect(port, "127.0.0.1");
  cleanups.push(
    () => server.close(),
    () => socket.destroy(),
  );
  await new Promise((resolve) => socket.once("close", resolve));
  await expect.poll(() => refused).toEqual([expect.stringMatching(/timeout/i)]);
});
