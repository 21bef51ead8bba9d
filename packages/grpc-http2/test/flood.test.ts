import { frameMessage, GrpcClient, type GrpcHandler, GrpcServer } from "@outrigger/grpc-http2";
import { afterEach, expect, test } from "vitest";
import { testFloods } from "./floods.ts";
import { endHeaders, frame, frameType, headerBlock, RawHttp2 } from "./raw-http2.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const body = frameMessage(Buffer.alloc(1_000, "x"));
const head = [
  [":method", "POST"],
  [":scheme", "http"],
  [":path", "/a/b"],
  [":authority", "a"],
  ["content-type", "application/grpc"],
] as const;

async function serve(handler: GrpcHandler, limits = {}) {
  const server = new GrpcServer({ methods: new Map([["/a/b", handler]]), ...limits });
  const { port } = await server.listen("127.0.0.1", 0);
  const client = new GrpcClient({ host: "127.0.0.1", port });
  cleanups.push(
    () => server.close(),
    () => client.close(),
  );
  const serveOther = async (): Promise<void> => {
    const signal = AbortSignal.timeout(5_000);
    const response = await client.call({ path: "/a/b", headers: [], body, signal });
    while ((await response.messages.read()) !== undefined);
    expect(response.status?.code).toBe(0);
  };
  return { port, head, body, serveOther };
}

const echo: GrpcHandler = async (call) => {
  for await (const { data } of call.messages) await call.write(frameMessage(data));
};

testFloods("gRPC server", () => serve(echo), true);

test("more streams than the limit are refused, and not counted as resets", async () => {
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const limits = { maxStreamsPerSession: 3, maxResetsPerSecond: 2 };
  const { port } = await serve(() => released, limits);
  const raw = new RawHttp2(port);
  cleanups.push(() => raw.socket.destroy());
  for (let stream = 1; stream < 20; stream += 2) {
    await raw.send(frame(frameType.headers, endHeaders, stream, headerBlock(head)));
  }
  await expect.poll(() => raw.count(frameType.reset)).toBe(7);
  const codes = raw.frames.filter(({ type }) => type === frameType.reset);
  expect(codes.every(({ payload }) => payload.readUInt32BE(0) === 7)).toBe(true);
  release();
  await expect.poll(() => raw.count(frameType.headers)).toBe(3);
  expect(raw.goaway).toBeUndefined();
});

test("more broken-off streams in a second than the limit end the session", async () => {
  const { port } = await serve(() => new Promise(() => undefined), { maxResetsPerSecond: 5 });
  const raw = new RawHttp2(port);
  cleanups.push(() => raw.socket.destroy());
  const block = headerBlock(head);
  for (let stream = 1; stream <= 11; stream += 2) {
    expect(raw.goaway).toBeUndefined();
    await raw.send(
      frame(frameType.headers, endHeaders, stream, block),
      frame(frameType.reset, 0, stream, Buffer.of(0, 0, 0, 8)),
    );
  }
  await expect.poll(() => raw.goaway).toEqual({ code: 11, text: "too_many_resets" });
  await expect.poll(() => raw.closed).toBe(true);
});

const ping = frame(frameType.ping, 0, 0, Buffer.alloc(8, 1));

test("the third early ping ends the session and says why", async () => {
  const { port } = await serve(echo);
  const raw = new RawHttp2(port);
  cleanups.push(() => raw.socket.destroy());
  for (let count = 1; count <= 3; count += 1) {
    await raw.send(ping);
    await expect
      .poll(() => raw.frames.filter(({ type }) => type === frameType.ping).length)
      .toBe(count);
  }
  expect(raw.goaway).toBeUndefined();
  await raw.send(ping);
  await expect.poll(() => raw.goaway).toEqual({ code: 11, text: "too_many_pings" });
  await expect.poll(() => raw.closed).toBe(true);
});

test("pings after messages of a call are never too many", async () => {
  const { port } = await serve(async (call) => {
    for await (const { data } of call.messages) await call.write(frameMessage(data));
  });
  const raw = new RawHttp2(port);
  cleanups.push(() => raw.socket.destroy());
  await raw.send(frame(frameType.headers, endHeaders, 1, headerBlock(head)));
  const message = frame(frameType.data, 0, 1, frameMessage(Buffer.from("x")));
  for (let count = 1; count <= 10; count += 1) {
    await raw.send(message);
    await expect.poll(() => raw.count(frameType.data)).toBe(count);
    await raw.send(ping);
    await expect.poll(() => raw.count(frameType.ping)).toBe(count);
  }
  expect(raw.goaway).toBeUndefined();
});

test("pings while a large answer goes out are never too many", async () => {
  const { port } = await serve(async (call) => {
    call.finish({ code: 0, message: "" }, [], frameMessage(Buffer.alloc(500_000)));
  });
  const raw = new RawHttp2(port);
  cleanups.push(() => raw.socket.destroy());
  await raw.send(frame(frameType.headers, endHeaders, 1, headerBlock(head)));
  await expect.poll(() => raw.count(frameType.data)).toBeGreaterThan(0);
  const grant = Buffer.of(0, 0, 0x20, 0);
  for (let count = 1; count <= 20; count += 1) {
    const data = raw.count(frameType.data);
    await raw.send(
      frame(frameType.windowUpdate, 0, 0, grant),
      frame(frameType.windowUpdate, 0, 1, grant),
    );
    await expect.poll(() => raw.count(frameType.data)).toBeGreaterThan(data);
    await raw.send(ping);
    await expect.poll(() => raw.count(frameType.ping)).toBe(count);
  }
  expect(raw.goaway).toBeUndefined();
});
