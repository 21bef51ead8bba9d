import { testContext } from "@outrigger/conformance";
import type { Connection, ProxyCall, ProxyResponse } from "@outrigger/core";
import { FrameParser, frameMessage, type GrpcFrame } from "@outrigger/grpc-http2";
import { transportGrpc } from "@outrigger/transport-grpc";
import { afterEach, expect, test } from "vitest";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function connectTo(proxy: (call: ProxyCall) => Promise<ProxyResponse>): Promise<Connection> {
  const callee = transportGrpc({ host: "127.0.0.1" })(testContext());
  const caller = transportGrpc()(testContext());
  const receive = () => Promise.reject(new Error("nothing is invoked here"));
  const { port } = await callee.listen({ receive, proxy }, AbortSignal.timeout(5_000));
  cleanups.push(
    () => callee.stop?.(),
    () => caller.stop?.(),
  );
  return caller.connect({ host: "127.0.0.1", port }, { appId: "a", namespace: "default" });
}

async function* streamOf(...chunks: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

async function messagesOf(frames: AsyncIterable<Uint8Array>): Promise<string[]> {
  const parser = new FrameParser(1_000_000);
  const messages: GrpcFrame[] = [];
  for await (const chunk of frames) parser.push(chunk, messages);
  return messages.map(({ compressed, data }) => `${compressed ? "z" : ""}${Buffer.from(data)}`);
}

function proxyCall(parts: Partial<ProxyCall> = {}): ProxyCall {
  return {
    path: "/golden.Echo/Say",
    metadata: ["user-agent", "client/1", "grpc-encoding", "gzip", "x-many", "1", "x-many", "2"],
    frames: streamOf(frameMessage(Buffer.from("one")), frameMessage(Buffer.from("two"), true)),
    signal: AbortSignal.timeout(5_000),
    ...parts,
  };
}

test("frames, metadata, trailers and any status pass unchanged, compressed frames too", async () => {
  const seen: ProxyCall[] = [];
  const connection = await connectTo(async (call) => {
    seen.push(call);
    return {
      headers: ["x-head", "h"],
      frames: call.frames,
      ended: Promise.resolve({
        status: { code: 20, message: "über" },
        trailers: ["x-trailer", "t", "grpc-status-details-bin", "AQI"],
      }),
    };
  });

  const response = await connection.proxy?.(proxyCall());
  if (response === undefined) throw new Error("the transport proxies");

  expect(await messagesOf(response.frames)).toEqual(["one", "ztwo"]);
  expect(response.headers.join("|")).toContain("x-head|h");
  const { status, trailers } = await response.ended;
  expect(status).toEqual({ code: 20, message: "über" });
  expect(trailers).toEqual(
    expect.arrayContaining(["x-trailer", "t", "grpc-status-details-bin", "AQI"]),
  );
  expect(seen[0]?.path).toBe("/golden.Echo/Say");
  const metadata = seen[0]?.metadata.join("|") ?? "";
  expect(metadata).toContain("x-many|1|x-many|2");
  expect(metadata).not.toContain("client/1");
  expect(metadata).toContain("content-type|application/grpc+proto");
  expect(metadata).not.toContain(":path");
});

test("a reader that stops early cancels the call at the callee", async () => {
  let signal: AbortSignal | undefined;
  const connection = await connectTo(async (call) => {
    signal = call.signal;
    return {
      headers: ["x-head", "h"],
      frames: (async function* () {
        for (;;) yield frameMessage(Buffer.alloc(10_000));
      })(),
      ended: Promise.resolve({ status: { code: 0, message: "" }, trailers: [] }),
    };
  });

  const response = await connection.proxy?.(proxyCall());
  const frames = response?.frames[Symbol.asyncIterator]();
  await frames?.next();
  await frames?.return?.();

  expect((await response?.ended)?.status.code).toBe(1);
  await expect.poll(() => signal?.aborted).toBe(true);
});

test("a callee that cannot be reached makes the call fail as an invocation does", async () => {
  const caller = transportGrpc()(testContext());
  cleanups.push(() => caller.stop?.());
  const peer = { appId: "a", namespace: "default" };
  const connection = caller.connect({ host: "127.0.0.1", port: 1 }, peer);
  await expect(connection.proxy?.(proxyCall())).rejects.toMatchObject({
    code: "OTR_PEER_UNAVAILABLE",
  });
});
