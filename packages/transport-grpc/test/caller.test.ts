import { testContext } from "@outrigger/conformance";
import { type Connection, emptyBody, type InvokeRequest, readBody } from "@outrigger/core";
import { frameMessage, type GrpcHandler, GrpcServer } from "@outrigger/grpc-http2";
import {
  type DecodedInternalInvokeRequestStream,
  decodeInternalInvokeRequest,
  decodeInternalInvokeRequestStream,
  encodeInternalInvokeResponse,
  encodeInternalInvokeResponseStream,
  type InternalInvokeResponseStream,
  serviceInvocationPaths,
} from "@outrigger/protocol";
import { transportGrpc } from "@outrigger/transport-grpc";
import { afterEach, expect, test } from "vitest";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A foreign sidecar. */
async function peer(methods: Record<string, GrpcHandler>): Promise<Connection> {
  const server = new GrpcServer({ methods: new Map(Object.entries(methods)) });
  const { port } = await server.listen("127.0.0.1", 0);
  const transport = transportGrpc()(testContext());
  cleanups.push(
    () => server.close(),
    () => transport.stop?.(),
  );
  return transport.connect({ host: "127.0.0.1", port }, { appId: "peer-a", namespace: "default" });
}

const { CallLocal, CallLocalStream } = serviceInvocationPaths;

/** Reads the whole request, then sends these messages. */
function answering(
  messages: readonly InternalInvokeResponseStream[],
  seen: DecodedInternalInvokeRequestStream[] = [],
  heads: string[][] = [],
): GrpcHandler {
  return async (call) => {
    heads.push([...call.headers]);
    for await (const frame of call.messages)
      seen.push(decodeInternalInvokeRequestStream(frame.data));
    for (const message of messages) {
      await call.write(frameMessage(encodeInternalInvokeResponseStream(message)));
    }
  };
}

const head = {
  status: { code: 200, message: "", details: [] },
  headers: ["X-R", "1", "X-R", "2"],
  trailers: [],
  message: { contentType: "text/plain" },
};
const empty = { headers: [], trailers: [] };
const payload = (text: string, seq: number) => ({ data: Buffer.from(text), seq });

function call(parts: Partial<InvokeRequest> = {}): InvokeRequest {
  return {
    target: "peer-a",
    method: "p",
    http: { verb: "POST", query: "q=1" },
    origin: "http",
    metadata: ["Content-Type", "text/plain"],
    contentType: "text/plain",
    typeUrl: "",
    body: emptyBody,
    bodyLength: 0,
    signal: AbortSignal.timeout(10_000),
    ...parts,
  };
}

async function invokeText(connection: Connection, request = call()): Promise<string> {
  const response = await connection.invoke(request);
  return Buffer.from(await readBody(response.body, 1_000_000)).toString();
}

test("a body in memory is sent in chunks of 2048 bytes, and the data stays out of the message", async () => {
  const seen: DecodedInternalInvokeRequestStream[] = [];
  const connection = await peer({ [CallLocalStream]: answering([{ response: head }], seen) });

  await connection.invoke(call({ body: Buffer.alloc(5_000, 7), bodyLength: 5_000 }));

  expect(seen.map(({ payload: chunk }) => [chunk?.seq, chunk?.data.length])).toEqual([
    [0, 2_048],
    [1, 2_048],
    [2, 904],
  ]);
  expect(seen[0]?.request).toMatchObject({
    ver: 1,
    metadata: ["Content-Type", "text/plain"],
    message: {
      method: "p",
      contentType: "text/plain",
      data: undefined,
      httpExtension: { verb: "POST", querystring: "q=1" },
    },
  });
  expect(seen.slice(1).map(({ request }) => request)).toEqual([undefined, undefined]);
});

test("an empty body is one message without payload", async () => {
  const seen: DecodedInternalInvokeRequestStream[] = [];
  const connection = await peer({ [CallLocalStream]: answering([{ response: head }], seen) });
  await connection.invoke(call());
  expect(seen.map(({ payload: chunk }) => chunk)).toEqual([undefined]);
});

test("the Any of a gRPC client keeps its type and leaves its bytes to the payload", async () => {
  const seen: DecodedInternalInvokeRequestStream[] = [];
  const connection = await peer({ [CallLocalStream]: answering([{ response: head }], seen) });

  await connection.invoke(
    call({
      origin: "grpc",
      http: undefined,
      typeUrl: "type.example/T",
      body: Buffer.from("val"),
      bodyLength: 3,
    }),
  );

  const { message } = seen[0]?.request ?? {};
  expect(message?.httpExtension).toBeUndefined();
  expect([message?.data?.typeUrl, message?.data?.value.length]).toEqual(["type.example/T", 0]);
});

test("the headers of the RPC are those of Dapr, and nothing of the app", async () => {
  const heads: string[][] = [];
  const connection = await peer({ [CallLocalStream]: answering([{ response: head }], [], heads) });
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

  await connection.invoke(
    call({ trace: { traceparent, tracestate: "k=v" }, deadlineMs: Date.now() + 5_000 }),
  );

  const sent = new Map<string, string>();
  for (let index = 0; index < (heads[0]?.length ?? 0); index += 2) {
    sent.set(heads[0]?.[index] ?? "", heads[0]?.[index + 1] ?? "");
  }
  expect(Object.fromEntries(sent)).toEqual({
    ":method": "POST",
    ":scheme": "http",
    ":path": CallLocalStream,
    ":authority": expect.stringMatching(/^127\.0\.0\.1:\d+$/),
    "content-type": "application/grpc",
    te: "trailers",
    "user-agent": "outrigger",
    "grpc-timeout": expect.stringMatching(/^\d{7}u$/),
    traceparent,
    "grpc-trace-bin": "AAAK92UZFs1D3YRI6yEcgDGcAbeta3FpIDMxAgE",
  });
});

test.for([
  [
    "several messages",
    [
      { response: head, payload: payload("one ", 0) },
      { payload: payload("two ", 1) },
      { payload: payload("three", 2) },
    ],
  ],
  [
    "empty response objects in later messages",
    [
      { response: head, payload: payload("one two ", 0) },
      { response: empty, payload: payload("three", 1) },
    ],
  ],
  [
    "a first message without payload",
    [{ response: head }, { payload: payload("one two three", 0) }],
  ],
  [
    "no message inside the response",
    [{ response: { ...head, message: undefined }, payload: payload("one two three", 0) }],
  ],
] as const)("an answer with %s is understood", async ([, messages]) => {
  const connection = await peer({ [CallLocalStream]: answering(messages) });
  expect(await invokeText(connection)).toBe("one two three");
});

test("code 0 becomes 200 where the call accepts server-sent events", async () => {
  const response = { ...head, status: { code: 0, message: "", details: [] } };
  const connection = await peer({ [CallLocalStream]: answering([{ response }]) });

  const events = await connection.invoke(call({ metadata: ["Accept", "text/event-stream"] }));
  const plain = await connection.invoke(call());

  expect([events.status.code, plain.status.code]).toEqual([200, 0]);
});

test.for([
  [
    "no status",
    [{ response: empty }],
    "response does not contain the required fields in the leading chunk",
  ],
  [
    "a wrong sequence",
    [{ response: head, payload: payload("one", 0) }, { payload: payload("x", 5) }],
    "invalid sequence number received: 5 (expected: 1)",
  ],
  [
    "a second status",
    [
      { response: head, payload: payload("one", 0) },
      { response: { ...empty, status: head.status }, payload: payload("x", 1) },
    ],
    "response metadata found in non-leading chunk",
  ],
  ["nothing", [], "EOF"],
] as const)("an answer with %s is an error", async ([, messages, text]) => {
  const connection = await peer({ [CallLocalStream]: answering(messages) });
  await expect(invokeText(connection)).rejects.toThrow(text);
});

const oldPeer: Record<string, GrpcHandler> = {
  [CallLocal]: async (received) => {
    const frame = await received.messages.read();
    const { message } = decodeInternalInvokeRequest(frame?.data ?? emptyBody);
    const value = Buffer.concat([Buffer.from("unary "), message?.data?.value ?? emptyBody]);
    const response = {
      ...head,
      message: { contentType: "text/plain", data: { typeUrl: "", value } },
    };
    await received.write(frameMessage(encodeInternalInvokeResponse(response)));
  },
};

test.each([
  ["that is announced as whole is whole", ["outrigger-answer", "whole"], undefined],
  ["without an announcement is broken", [], "error receiving message"],
  ["with another announcement is broken", ["outrigger-answer", "x"], "error receiving message"],
])("when the peer fails after the bytes, an answer %s", async (_name, metadata, failure) => {
  const connection = await peer({
    [CallLocalStream]: async (received) => {
      for await (const _frame of received.messages);
      received.respond(metadata);
      const message = { response: head, payload: payload("whole", 0) };
      await received.write(frameMessage(encodeInternalInvokeResponseStream(message)));
      throw new Error("killed");
    },
  });
  const text = invokeText(connection);
  if (failure === undefined) expect(await text).toBe("whole");
  else await expect(text).rejects.toThrow(failure);
});

test("a peer without CallLocalStream is called the old way", async () => {
  const connection = await peer(oldPeer);
  const request = call({ body: Buffer.from("replay"), bodyLength: 6 });
  expect(await invokeText(connection, request)).toBe("unary replay");
});

test("a stream cannot be sent to a peer without CallLocalStream", async () => {
  const connection = await peer(oldPeer);
  const body = (async function* () {
    yield Buffer.from("gone");
  })();
  await expect(invokeText(connection, call({ body, bodyLength: undefined }))).rejects.toThrow(
    "target app 'peer-a' is running a version of Dapr that does not support streaming-based service invocation",
  );
});

test("a failure of the peer is printed as Go prints it", async () => {
  const connection = await peer({
    [CallLocalStream]: async (received) => received.finish({ code: 3, message: "bad thing" }),
  });
  await expect(connection.invoke(call())).rejects.toMatchObject({
    code: "OTR_PEER_FAILED",
    message: "rpc error: code = InvalidArgument desc = bad thing",
    rpc: { code: 3, message: "bad thing" },
  });
});

test("a small body and its small answer are one message each way", async () => {
  const seen: DecodedInternalInvokeRequestStream[] = [];
  const answer = { data: Buffer.alloc(1_024, "a"), seq: 0 };
  const connection = await peer({
    [CallLocalStream]: answering([{ response: head, payload: answer }], seen),
  });
  const body = Buffer.alloc(1_024, "q");
  const response = await connection.invoke(call({ body, bodyLength: body.length }));
  expect(seen.map(({ payload: chunk }) => chunk?.data.length)).toEqual([1_024]);
  // Complete at once: no stream for whoever reads it.
  expect(response.body).toBeInstanceOf(Uint8Array);
});

test("a peer's own DEADLINE_EXCEEDED is a failure; after the call's deadline it is the timeout", async () => {
  const late: GrpcHandler = async (each) => {
    for await (const _frame of each.messages);
    each.finish({ code: 4, message: "too slow" });
  };
  const connection = await peer({ [CallLocalStream]: late });
  const own = { code: 4, message: "too slow" };
  const deadlineMs = Date.now() + 60_000;
  for (const each of [call(), call({ deadlineMs })]) {
    await expect(connection.invoke(each)).rejects.toMatchObject({
      code: "OTR_PEER_FAILED",
      rpc: own,
    });
  }
  await expect(connection.invoke(call({ deadlineMs: Date.now() }))).rejects.toMatchObject({
    code: "OTR_TIMEOUT",
    rpc: { code: 4, message: "context deadline exceeded" },
  });
});
