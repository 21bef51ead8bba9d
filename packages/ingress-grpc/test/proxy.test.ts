import { once } from "node:events";
import {
  Client,
  type ClientDuplexStream,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  status,
} from "@grpc/grpc-js";
import { type ProxyCall, type ProxyResponse, rpcError } from "@outrigger/core";
import { callProxy, GrpcClient } from "@outrigger/grpc-http2";
import { expect, test } from "vitest";
import { onCleanup, startIngress, unary } from "./stand-in.ts";

type Duplex = ServerDuplexStream<Buffer, Buffer>;
type ClientStream = ClientDuplexStream<Buffer, Buffer>;

const same = (bytes: Buffer): Buffer => bytes;

/** An app on grpc-js whose every call is `handle`, and the way to it. */
async function startApp(
  handle: (stream: Duplex) => void,
): Promise<(call: ProxyCall) => Promise<ProxyResponse>> {
  const server = new Server({ "grpc.max_receive_message_length": -1 });
  const method = {
    path: "/test.Echo/Call",
    requestStream: true,
    responseStream: true,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
  server.addService({ Call: method }, { Call: handle });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  const client = new GrpcClient({ host: "127.0.0.1", port });
  onCleanup(() => client.close());
  onCleanup(() => server.forceShutdown());
  return (call) =>
    callProxy(client, call, call.metadata, ({ code, message }) =>
      rpcError("OTR_APP_UNREACHABLE", { code, message }),
    );
}

async function open(
  handle: (stream: Duplex) => void,
  options: { metadata?: Metadata; deadline?: number } = {},
): Promise<ClientStream> {
  const { port } = await startIngress({ proxy: await startApp(handle) });
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  onCleanup(() => client.close());
  const metadata = options.metadata ?? new Metadata();
  metadata.set("dapr-app-id", "x");
  const deadline = { deadline: options.deadline ?? Date.now() + 5_000 };
  const path = "/test.Echo/Call";
  const stream = client.makeBidiStreamRequest(path, same, same, metadata, deadline);
  stream.on("error", () => undefined);
  return stream;
}

interface Ending {
  readonly code: number;
  readonly details: string;
  readonly metadata: Metadata;
}

/** `once` of node:events would reject for the error that goes with most statuses. */
function statusOf(stream: ClientStream): Promise<Ending> {
  return new Promise((resolve) => {
    stream.once("status", resolve);
  });
}

async function collect(stream: ClientStream): Promise<Ending & { data: string[] }> {
  const data: string[] = [];
  stream.on("data", (chunk: Buffer) => void data.push(chunk.toString()));
  return { ...(await statusOf(stream)), data };
}

test("a grpc-js client talks both ways with a grpc-js app, with metadata of all kinds", async () => {
  const seen: Metadata[] = [];
  const metadata = new Metadata();
  metadata.add("x-many", "a");
  metadata.add("x-many", "b");
  metadata.set("blob-bin", Buffer.from([0, 1, 2]));
  const stream = await open(
    (call) => {
      seen.push(call.metadata);
      const head = new Metadata();
      head.set("h-bin", Buffer.from([3]));
      call.sendMetadata(head);
      call.on("data", (chunk: Buffer) => void call.write(chunk));
      const tail = new Metadata();
      tail.set("x-t", "end");
      call.on("end", () => void call.end(tail));
    },
    { metadata },
  );
  const head = once(stream, "metadata");
  stream.write(Buffer.from("one"));
  const [echo] = await once(stream, "data");
  expect(echo.toString()).toBe("one");
  stream.write(Buffer.from("two"));
  stream.end();
  const { data, code, metadata: trailers } = await collect(stream);
  expect([data, code, trailers.get("x-t")]).toEqual([["two"], 0, ["end"]]);
  expect((await head)[0].get("h-bin")).toEqual([Buffer.from([3])]);
  expect(seen[0]?.get("x-many")).toEqual(["a, b"]);
  expect(seen[0]?.get("blob-bin")).toEqual([Buffer.from([0, 1, 2])]);
  expect(String(seen[0]?.get("user-agent"))).toContain("outrigger");
});

test("large messages and errors without any message pass", async () => {
  const big = await open((call) => {
    call.on("data", (chunk: Buffer) => void call.write(chunk));
    call.on("end", () => void call.end());
  });
  big.end(Buffer.alloc(1_000_000, "b"));
  const { data, code } = await collect(big);
  expect([data[0]?.length, code]).toEqual([1_000_000, 0]);
  const failing = await open((call) => {
    call.emit("error", { code: status.DATA_LOSS, details: "lost ä" });
  });
  failing.end();
  expect(await collect(failing)).toMatchObject({ code: status.DATA_LOSS, details: "lost ä" });
});

test("deadline and cancellation reach the app", async () => {
  let cancelled = 0;
  const hang = (call: Duplex): void => {
    call.on("cancelled", () => {
      cancelled += 1;
    });
    call.write(Buffer.from("up"));
  };
  const late = await open(hang, { deadline: Date.now() + 200 });
  expect((await collect(late)).code).toBe(status.DEADLINE_EXCEEDED);
  await expect.poll(() => cancelled).toBe(1);
  const left = await open(hang);
  await once(left, "data");
  left.cancel();
  await expect.poll(() => cancelled).toBe(2);
});

test("a reader that does not read stops the app's writer", async () => {
  let written = 0;
  let stalled = false;
  const chunk = Buffer.alloc(64 * 1_024);
  const app = await startApp((call) => {
    const write = (): void => {
      while (call.write(chunk)) written += chunk.length;
      stalled = true;
    };
    call.on("drain", () => {
      stalled = false;
      write();
    });
    call.on("cancelled", () => call.removeAllListeners("drain"));
    write();
  });
  const { port } = await startIngress({ proxy: app });
  // Not grpc-js, whose streams read ahead without end.
  const client = new GrpcClient({ host: "127.0.0.1", port });
  onCleanup(() => client.close());
  const headers = ["dapr-app-id", "x"];
  const response = await client.call({
    path: "/test.Echo/Call",
    headers,
    body: chunk.subarray(0, 0),
  });
  let before = -1;
  await expect
    .poll(
      () => {
        const steady = stalled && written === before;
        before = written;
        return steady;
      },
      { interval: 200, timeout: 4_000 },
    )
    .toBe(true);
  expect(written).toBeLessThan(64 * 1_024 * 1_024);
  response.cancel();
});

test("compressed frames go through as they are; without a target there is no app", async () => {
  const seen: ProxyCall[] = [];
  const { port } = await startIngress({
    proxy: async (call) => {
      seen.push(call);
      const ended = Promise.resolve({
        status: { code: 20, message: "odd" },
        trailers: ["x-t", "1"],
      });
      return { headers: ["grpc-encoding", "snappy"], frames: call.frames, ended };
    },
  });
  const headers = ["dapr-app-id", "x", "grpc-encoding", "snappy"];
  const got = await unary(port, "/a.B/C", Buffer.from("zz"), headers, true);
  expect(got).toMatchObject({ code: 20, message: "odd", compressed: true });
  expect(Buffer.from(got.data ?? []).toString()).toBe("zz");
  expect(got.headers).toContain("grpc-encoding|snappy");
  expect(await unary(port, "/dapr.proto.runtime.v1.Dapr/Nope", Buffer.alloc(0))).toMatchObject({
    code: 2,
    message:
      "failed to proxy request: required metadata dapr-callee-app-id or dapr-app-id not found",
  });
  expect(seen).toHaveLength(1);
});
