import { testContext } from "@outrigger/conformance";
import {
  type InvokeResponse,
  OutriggerError,
  type ReceivedCall,
  RpcCode,
  readBody,
  rpcError,
  type TransportHandler,
} from "@outrigger/core";
import { frameMessage, GrpcClient, type GrpcResponse } from "@outrigger/grpc-http2";
import {
  decodeInternalInvokeResponse,
  decodeInternalInvokeResponseStream,
  encodeInternalInvokeRequest,
  encodeInternalInvokeRequestStream,
  type InternalInvokeRequest,
  type InternalInvokeRequestStream,
  serviceInvocationPaths,
} from "@outrigger/protocol";
import { transportGrpc } from "@outrigger/transport-grpc";
import { afterEach, expect, test } from "vitest";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const ok: InvokeResponse = {
  status: { code: 200, message: "", details: [] },
  headers: ["Content-Type", "text/plain"],
  trailers: [],
  contentType: "text/plain",
  typeUrl: "",
  body: Buffer.from("answer"),
};

async function serve(
  receive: TransportHandler["receive"],
  maxMessageBytes = 4_194_304,
  parts: Partial<TransportHandler> = {},
): Promise<GrpcClient> {
  const transport = transportGrpc({ host: "127.0.0.1", maxMessageBytes })(testContext());
  const proxy: TransportHandler["proxy"] = async () => {
    throw rpcError("OTR_PEER_FAILED", { code: RpcCode.UNKNOWN, message: "nothing is proxied" });
  };
  const { port } = await transport.listen({ receive, proxy, ...parts }, AbortSignal.timeout(5_000));
  const client = new GrpcClient({ host: "127.0.0.1", port });
  cleanups.push(
    () => transport.stop?.(),
    () => client.close(),
  );
  return client;
}

const request: InternalInvokeRequest = {
  ver: 1,
  metadata: ["Content-Type", "text/plain", "dapr-caller-app-id", "tester"],
  message: {
    method: "p/q",
    contentType: "text/plain",
    httpExtension: { verb: "POST", querystring: "a=b" },
  },
};
const payload = (text: string, seq: number) => ({ data: Buffer.from(text), seq });

function stream(
  client: GrpcClient,
  messages: readonly InternalInvokeRequestStream[],
  headers: readonly string[] = [],
) {
  return client.call({
    path: serviceInvocationPaths.CallLocalStream,
    headers,
    body: Buffer.concat(
      messages.map((each) => frameMessage(encodeInternalInvokeRequestStream(each))),
    ),
  });
}

function unary(client: GrpcClient, message: InternalInvokeRequest): Promise<GrpcResponse> {
  return client.call({
    path: serviceInvocationPaths.CallLocal,
    headers: [],
    body: frameMessage(encodeInternalInvokeRequest(message)),
  });
}

async function messagesOf(response: GrpcResponse) {
  const messages = [];
  for await (const frame of response.messages) {
    messages.push(decodeInternalInvokeResponseStream(frame.data));
  }
  return messages;
}

async function statusOf(calling: Promise<GrpcResponse>) {
  const response = await calling;
  await messagesOf(response);
  return { code: response.status?.code, message: response.status?.message };
}

test.for([
  ["in the first message", [{ request, payload: payload("one two", 0) }]],
  [
    "in three messages",
    [
      { request, payload: payload("one", 0) },
      { payload: payload(" ", 1) },
      { payload: payload("two", 2) },
    ],
  ],
  [
    "after the first message",
    [{ request }, { payload: payload("one ", 0) }, { payload: payload("two", 1) }],
  ],
  [
    "with empty chunks",
    [
      { request, payload: payload("", 0) },
      { payload: payload("one two", 1) },
      { payload: payload("", 2) },
    ],
  ],
] as const)("a body arrives %s", async ([, messages]) => {
  const seen: string[] = [];
  const client = await serve(async (call) => {
    seen.push(Buffer.from(await readBody(call.body, 100)).toString());
    return ok;
  });

  const [only, ...rest] = await messagesOf(await stream(client, messages));

  expect(seen).toEqual(["one two"]);
  expect(rest).toEqual([]);
  expect(only?.response?.status?.code).toBe(200);
  expect(only?.response?.message).toEqual({ contentType: "text/plain", data: undefined });
  expect(Buffer.from(only?.payload?.data ?? []).toString()).toBe("answer");
});

test("a large answer is cut into chunks of 2048 bytes, numbered from 0", async () => {
  const client = await serve(async () => ({ ...ok, body: Buffer.alloc(5_000, 1) }));

  const messages = await messagesOf(await stream(client, [{ request }]));

  expect(messages.map(({ payload: chunk }) => [chunk?.seq, chunk?.data.length])).toEqual([
    [0, 2_048],
    [1, 2_048],
    [2, 904],
  ]);
  expect(messages.map(({ response }) => response === undefined)).toEqual([false, true, true]);
});

const streamed = async function* () {
  yield Buffer.from("one");
};

test.each([
  ["in one message is announced as whole", Buffer.alloc(2_048), "outrigger", true],
  ["in one message is not announced to others", Buffer.alloc(2_048), "grpc-go/1.78.0", false],
  ["in several messages is not", Buffer.alloc(2_049), "outrigger", false],
  ["that streams is not", streamed(), "outrigger", false],
])("an answer %s", async (_name, body, userAgent, isAnnounced) => {
  const client = await serve(async () => ({ ...ok, body }));

  const response = await stream(client, [{ request }], ["user-agent", userAgent]);

  expect(response.headers.includes("outrigger-answer")).toBe(isAnnounced);
  await messagesOf(response);
});

test("an empty answer is one message without payload", async () => {
  const client = await serve(async () => ({ ...ok, body: new Uint8Array(0) }));
  const messages = await messagesOf(await stream(client, [{ request }]));
  expect(messages.map(({ payload: chunk }) => chunk)).toEqual([undefined]);
});

const leading =
  "parsing InternalInvokeRequest error: request does not contain the required fields in the leading chunk";

test.for([
  ["no metadata", { ...request, metadata: [] }],
  ["no message", { ...request, message: undefined }],
  ["no request", undefined],
] as const)("a first message with %s is refused", async ([, broken]) => {
  const client = await serve(async () => ok);
  const first = broken === undefined ? { payload: payload("x", 0) } : { request: broken };
  expect(await statusOf(stream(client, [first]))).toEqual({ code: 3, message: leading });
});

test("CallLocal needs a message but no metadata", async () => {
  const client = await serve(async () => ok);

  expect(await statusOf(unary(client, { ...request, message: undefined }))).toEqual({
    code: 3,
    message: "parsing InternalInvokeRequest error: field Message is nil",
  });
  const response = await unary(client, { ...request, metadata: [] });
  const frame = await response.messages.read();
  const { message } = decodeInternalInvokeResponse(frame?.data ?? new Uint8Array(0));
  expect(Buffer.from(message?.data?.value ?? []).toString()).toBe("answer");
});

test("a call without any message ends with EOF", async () => {
  const client = await serve(async () => ok);
  expect(await statusOf(stream(client, []))).toEqual({ code: 2, message: "EOF" });
});

test.for([0, 2])("version %d is refused inside the error of the app channel", async (ver) => {
  const client = await serve(async () => ok);
  const refusal = {
    code: 13,
    message: `error invoking app channel: rpc error: code = Unimplemented desc = Unsupported spec version: ${ver}`,
  };
  expect(await statusOf(stream(client, [{ request: { ...request, ver } }]))).toEqual(refusal);
  expect(await statusOf(unary(client, { ...request, ver }))).toEqual(refusal);
});

test.for([
  [
    "a wrong sequence number",
    { payload: payload("x", 2) },
    "invalid sequence number received: 2 (expected: 1)",
  ],
  [
    "metadata in a later message",
    { request, payload: payload("x", 1) },
    "request metadata found in non-leading chunk",
  ],
] as const)("%s breaks the body", async ([, second, text]) => {
  const client = await serve(async (call) => {
    await readBody(call.body, 100);
    return ok;
  });
  const status = await statusOf(stream(client, [{ request, payload: payload("one", 0) }, second]));
  expect(status.code).toBe(13);
  expect(status.message).toContain(text);
});

const sse = { ...request, metadata: [...request.metadata, "Accept", " Text/Event-Stream "] };

test("server-sent events have code 0, no message, and a response in each message", async () => {
  const client = await serve(async () => ({
    ...ok,
    body: (async function* () {
      yield Buffer.from("data: 1\n\n");
      yield Buffer.from("data: 2\n\n");
    })(),
  }));

  const messages = await messagesOf(await stream(client, [{ request: sse }]));

  expect(messages.map(({ payload: chunk }) => Buffer.from(chunk?.data ?? []).toString())).toEqual([
    "data: 1\n\n",
    "data: 2\n\n",
  ]);
  expect(messages[0]?.response).toMatchObject({ status: { code: 0 }, message: undefined });
  expect(messages[1]?.response).toMatchObject({ status: undefined, hasHeaders: false });
});

test("server-sent events with an error of the app are an error of the call", async () => {
  const client = await serve(async () => ({ ...ok, status: { ...ok.status, code: 404 } }));
  expect(await statusOf(stream(client, [{ request: sse }]))).toEqual({
    code: 13,
    message: "error invoking app channel: no response received from stream",
  });
});

test("the failure of a gRPC app has no message", async () => {
  const status = {
    code: 6,
    message: "already",
    details: [{ typeUrl: "t", value: Buffer.from("v") }],
  };
  const client = await serve(async () => ({ ...ok, status, body: new Uint8Array(0) }));
  const [only] = await messagesOf(await stream(client, [{ request }]));
  expect(only?.response?.message).toBeUndefined();
  expect(only?.response?.status).toMatchObject({ code: 6, message: "already" });
});

test("CallLocalStream is never unimplemented, or peers would fall back to CallLocal", async () => {
  const client = await serve(async () => {
    throw rpcError("OTR_APP_FAILED", { code: RpcCode.UNIMPLEMENTED, message: "not here" });
  });
  expect(await statusOf(stream(client, [{ request }]))).toMatchObject({ code: 13 });
});

test("actors are unimplemented, and everything unknown is proxied", async () => {
  const client = await serve(async () => ok);
  const codes: (number | undefined)[] = [];
  for (const path of [serviceInvocationPaths.CallActor, "/a.B/C"]) {
    const { status } = await client.call({
      path,
      headers: [],
      body: frameMessage(Buffer.alloc(0)),
    });
    codes.push(status?.code);
  }
  expect(codes).toEqual([12, 2]);
});

test("an unary answer above the limit is refused by its sender", async () => {
  const client = await serve(async () => ({ ...ok, body: Buffer.alloc(5_000_000) }));
  expect(await statusOf(unary(client, request))).toMatchObject({
    code: 8,
    message: expect.stringMatching(/^trying to send message larger than max \(\d+ vs\. 4194304\)$/),
  });
});

test("a declared length, the deadline and the trace context reach the handler", async () => {
  const seen: ReceivedCall[] = [];
  const client = await serve(async (call) => {
    seen.push(call);
    return ok;
  });
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

  await client.call({
    path: serviceInvocationPaths.CallLocalStream,
    headers: ["traceparent", traceparent],
    body: frameMessage(
      encodeInternalInvokeRequestStream({
        request: { ...request, metadata: ["content-length", "7"] },
      }),
    ),
    deadlineMs: Date.now() + 60_000,
  });

  expect(seen[0]).toMatchObject({ bodyLength: 7, trace: { traceparent, tracestate: "" } });
  expect(seen[0]?.deadlineMs).toBeGreaterThan(Date.now() + 50_000);
});

test("wrong options are refused with the field and the value", () => {
  expect(() => transportGrpc({ port: 70_000 })).toThrow(
    "@outrigger/transport-grpc: port: must be a whole number from 0 to 65535 (got 70000)",
  );
});

test("a port that is taken is OTR_LISTEN_FAILED", async () => {
  const first = transportGrpc({ host: "127.0.0.1" })(testContext());
  const handler: TransportHandler = {
    receive: async () => ok,
    proxy: async () => {
      throw new OutriggerError("nothing is proxied here", { code: "OTR_PEER_FAILED" });
    },
  };
  const { port } = await first.listen(handler, AbortSignal.timeout(1_000));
  cleanups.push(() => first.stop?.());
  const second = transportGrpc({ host: "127.0.0.1", port })(testContext());
  await expect(second.listen(handler, AbortSignal.timeout(1_000))).rejects.toMatchObject({
    code: "OTR_LISTEN_FAILED",
  });
});

test("a limit of 0 refuses every message that is not empty, as in Dapr", async () => {
  const client = await serve(async () => ok, 0);
  const size = encodeInternalInvokeRequest(request).length;
  const response = await unary(client, request);
  expect(await response.messages.read()).toBeUndefined();
  expect(response.status).toMatchObject({
    code: RpcCode.RESOURCE_EXHAUSTED,
    message: `grpc: received message larger than max (${size} vs. 0)`,
  });
});

test("without an app a call is refused before anything of it is read", async () => {
  const message = "app channel is not initialized";
  const assertHasApp = (): never => {
    throw rpcError("OTR_APP_CHANNEL_MISSING", { code: RpcCode.INTERNAL, message });
  };
  const client = await serve(async () => ok, undefined, { assertHasApp });
  for (const path of [serviceInvocationPaths.CallLocalStream, serviceInvocationPaths.CallLocal]) {
    for (const body of [Buffer.alloc(0), frameMessage(Buffer.of(0xff))]) {
      const response = await client.call({ path, headers: [], body });
      while ((await response.messages.read()) !== undefined);
      expect(response.status).toMatchObject({ code: 13, message });
    }
  }
});

test("reflection lists the internal service to those who name a target", async () => {
  const client = await serve(async () => ok);
  for (const version of ["v1", "v1alpha"]) {
    const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
    const body = frameMessage(Uint8Array.of(0x3a, 0));
    const named = await client.call({ path, headers: ["dapr-callee-app-id", "x"], body });
    const frame = await named.messages.read();
    expect(Buffer.from(frame?.data ?? []).toString("latin1")).toContain(
      "dapr.proto.internals.v1.ServiceInvocation",
    );
    expect(await named.messages.read()).toBeUndefined();
    expect(named.status).toMatchObject({ code: 0 });
    const bare = await client.call({ path, headers: [], body });
    while ((await bare.messages.read()) !== undefined);
    expect(bare.status).toMatchObject({
      code: 2,
      message: "cannot proxy request: missing dapr-callee-app-id or dapr-app-id metadata",
    });
  }
});
