import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:http2";
import { gunzipSync, gzipSync } from "node:zlib";
import { Metadata, status } from "@grpc/grpc-js";
import { afterAll, describe, expect, inject, test } from "vitest";
import { waitFor } from "../../../apps/outrigger/test/e2e/mesh.ts";
import { echoClient, echoMethod, type Text, unary } from "./echo-client.ts";

const { caller, sockets } = inject("interop");
const target = `127.0.0.1:${caller.grpc}`;

describe.for(["node-grpc", "py-grpc"])("@grpc/grpc-js, proxied to %s", (appId) => {
  const client = echoClient(target);
  afterAll(() => client.close());

  function metadata(values: Readonly<Record<string, string | Buffer>> = {}): Metadata {
    const result = new Metadata();
    result.set("dapr-app-id", appId);
    for (const [key, value] of Object.entries(values)) result.set(key, value);
    return result;
  }

  async function waited(name: string): Promise<string | undefined> {
    return (await unary(client, "Waited", { text: name }, metadata())).value?.text;
  }

  test("unary, with binary metadata both ways and trailers", async () => {
    const raw = Buffer.from([0, 1, 254, 255]);
    const sent = metadata({ "x-user": "ann", "x-raw-bin": raw });
    const answer = await unary(client, "Say", { text: "hello" }, sent);
    expect(answer.error).toBeUndefined();
    expect(answer.value).toMatchObject({
      text: "hello",
      metadata: { "x-user": "ann", "x-raw-bin": "0001feff" },
    });
    expect(answer.headers?.get("x-app")).toEqual([appId]);
    expect(answer.headers?.get("x-raw-bin")).toEqual([raw]);
    expect(answer.trailers?.get("x-trailer")).toEqual(["said"]);
  });

  // 1 is deflate and 2 is gzip.
  test.for([1, 2])("compression %i", async (algorithm) => {
    const packed = echoClient(target, { "grpc.default_compression_algorithm": algorithm });
    try {
      const text = "compress me ".repeat(10_000);
      expect((await unary(packed, "Say", { text }, metadata())).value?.text).toBe(text);
    } finally {
      packed.close();
    }
  });

  test("server streaming", async () => {
    const { path, requestSerialize, responseDeserialize } = echoMethod("Count");
    const call = client.makeServerStreamRequest(
      ...([path, requestSerialize, responseDeserialize] as const),
      { count: 200 },
      metadata(),
      { deadline: Date.now() + 10_000 },
    );
    const texts: string[] = [];
    for await (const { text } of call as AsyncIterable<Text>) texts.push(text);
    expect(texts).toEqual(Array.from({ length: 200 }, (_, i) => `${i}`));
  });

  test("client streaming", async () => {
    const { path, requestSerialize, responseDeserialize } = echoMethod("Join");
    const joined = await new Promise<Text | undefined>((resolve, reject) => {
      const call = client.makeClientStreamRequest(
        ...([path, requestSerialize, responseDeserialize] as const),
        metadata(),
        { deadline: Date.now() + 10_000 },
        (error, value) => (error === null ? resolve(value) : reject(error)),
      );
      for (const text of ["a", "b", "c"]) call.write({ text });
      call.end();
    });
    expect(joined?.text).toBe("a+b+c");
  });

  test("bidirectional streaming, in turns", async () => {
    const { path, requestSerialize, responseDeserialize } = echoMethod("Chat");
    const call = client.makeBidiStreamRequest(
      ...([path, requestSerialize, responseDeserialize] as const),
      metadata(),
      { deadline: Date.now() + 10_000 },
    );
    const answers = (call as AsyncIterable<Text>)[Symbol.asyncIterator]();
    for (const text of ["a", "b", "c"]) {
      call.write({ text });
      expect(await answers.next()).toMatchObject({ value: { text: text.toUpperCase() } });
    }
    call.end();
    expect(await answers.next()).toMatchObject({ done: true });
  });

  test("an error with details and a trailer", async () => {
    const { error } = await unary(client, "Fail", { text: "" }, metadata());
    expect(error).toMatchObject({ code: status.RESOURCE_EXHAUSTED, details: "no more: ü" });
    expect(error?.metadata.get("x-reason")).toEqual(["quota"]);
    const [details] = error?.metadata.get("grpc-status-details-bin") ?? [];
    expect(details?.toString()).toContain("type.googleapis.com/google.rpc.ErrorInfo");
  });

  test("a deadline ends the call in the app, too", async () => {
    const name = randomUUID();
    const { error } = await unary(client, "Wait", { text: name }, metadata(), { timeoutMs: 500 });
    expect(error?.code).toBe(status.DEADLINE_EXCEEDED);
    await waitFor(async () => (await waited(name)) === "cancelled", "the app to notice");
  });

  test("so does a cancellation", async () => {
    const name = randomUUID();
    let cancel: () => void = () => undefined;
    const ended = unary(client, "Wait", { text: name }, metadata(), {
      onStarted: (stop) => {
        cancel = stop;
      },
    });
    await waitFor(async () => (await waited(name)) === "waiting", "the app to get the call");
    cancel();
    expect((await ended).error?.code).toBe(status.CANCELLED);
    await waitFor(async () => (await waited(name)) === "cancelled", "the app to notice");
  });
});

test("a call through the unix socket", async () => {
  const client = echoClient(`unix:${sockets.grpc}`);
  const metadata = new Metadata();
  metadata.set("dapr-app-id", "py-grpc");
  try {
    await waitFor(async () => {
      const answer = await unary(client, "Say", { text: "by socket" }, metadata);
      return answer.value?.text === "by socket";
    }, "the sidecar behind the socket");
  } finally {
    client.close();
  }
});

test("no such app", async () => {
  const client = echoClient(target);
  const metadata = new Metadata();
  metadata.set("dapr-app-id", "nobody");
  try {
    const { error } = await unary(client, "Say", { text: "x" }, metadata);
    expect(error?.details).toContain("nobody");
  } finally {
    client.close();
  }
});

test("compressed messages pass as they are, both ways", async () => {
  const text = "compress me ".repeat(1000);
  const message = echoMethod("Say").requestSerialize({ text });
  const { headers, body } = await rawCall("py-grpc", "Say", gzipSync(message));
  expect(headers["grpc-encoding"]).toBe("gzip");
  expect(body[0]).toBe(1);
  expect(body.length).toBeLessThan(message.length / 4);
  const answer = echoMethod("Say").responseDeserialize(gunzipSync(body.subarray(5)));
  expect(answer.text).toBe(text);
});

/** A gRPC call frame by frame: libraries do not tell whether an answer was compressed. */
async function rawCall(
  appId: string,
  method: string,
  packed: Buffer,
): Promise<{ readonly headers: NodeJS.Dict<string | string[]>; readonly body: Buffer }> {
  const session = connect(`http://${target}`);
  try {
    const stream = session.request({
      ":method": "POST",
      ":path": echoMethod(method).path,
      "content-type": "application/grpc",
      te: "trailers",
      "grpc-encoding": "gzip",
      "grpc-accept-encoding": "gzip",
      "grpc-timeout": "10S",
      "dapr-app-id": appId,
    });
    const prefix = Buffer.alloc(5);
    prefix[0] = 1;
    prefix.writeUInt32BE(packed.length, 1);
    stream.end(Buffer.concat([prefix, packed]));
    const [headers] = (await Promise.race([
      once(stream, "response"),
      once(session, "error").then(([error]) => Promise.reject(error)),
    ])) as [NodeJS.Dict<string | string[]>];
    const parts: Buffer[] = [];
    for await (const part of stream) parts.push(part);
    return { headers, body: Buffer.concat(parts) };
  } finally {
    session.destroy();
  }
}
