import { type ProxyCall, toRpcStatus } from "@outrigger/core";
import {
  callProxy,
  frameMessage,
  GrpcClient,
  type GrpcHandler,
  GrpcServer,
  serveProxy,
} from "@outrigger/grpc-http2";
import { afterEach, expect, test } from "vitest";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function serve(handler: GrpcHandler): Promise<GrpcClient> {
  const server = new GrpcServer({ methods: new Map(), unknownMethod: handler });
  const { port } = await server.listen("127.0.0.1", 0);
  const client = new GrpcClient({ host: "127.0.0.1", port });
  cleanups.push(
    () => server.close(),
    () => client.close(),
  );
  return client;
}

async function* frames(): AsyncGenerator<Uint8Array> {
  yield frameMessage(Buffer.from("x"));
}

/** What a client gets through a proxy in front of an app that answers with `answered`. */
async function through(sent: readonly string[], answered: readonly string[]) {
  const app = await serve(async (call) => {
    while ((await call.messages.read()) !== undefined);
    call.respond(answered);
    await call.write(frameMessage(Buffer.from("y")));
    call.finish();
  });
  const toError = (status: { readonly message: string }): Error => new Error(status.message);
  const proxy = await serve(async (call) => {
    // What HTTP/2 itself refuses to carry cannot come from a client here.
    const proxied = (each: ProxyCall) => callProxy(app, each, [...each.metadata, ...sent], toError);
    await serveProxy(call, proxied).catch((reason: unknown) => call.finish(toRpcStatus(reason)));
  });
  const body = frameMessage(Buffer.from("x"));
  const response = await proxy.call({ path: "/a/b", headers: [], body });
  while ((await response.messages.read()) !== undefined);
  return { code: response.status?.code, message: response.status?.message };
}

const badKey = "contains illegal characters not in [0-9a-z-_.]";
const badValue = "contains value with non-printable ASCII characters";

test.for([
  [["x!y", "1"], `header key "x!y" ${badKey}`],
  [["x-a", "ok", "x~", "1"], `header key "x~" ${badKey}`],
  [["x-tab", "a\tb"], `header key "x-tab" ${badValue}`],
  [["x-high", "\u00e4"], `header key "x-high" ${badValue}`],
] as const)(
  "metadata that gRPC cannot carry is refused on its way: %j",
  async ([list, message]) => {
    expect(await through(list, [])).toEqual({ code: 13, message });
  },
);

test.for([
  [["x-high", "\u00e4"], `header key "x-high" ${badValue}`],
  [["x!y", "1"], `header key "x!y" ${badKey}`],
] as const)("an app's headers that gRPC cannot carry are refused: %j", async ([list, message]) => {
  expect(await through([], list)).toEqual({ code: 13, message });
});

test("every printable value and binary metadata pass", async () => {
  const list = ["x-1.a_b", " ~!", "x-bin", "AAE"];
  expect(await through(list, list)).toMatchObject({ code: 0 });
});

test("a body that is never read to its end does not matter to a refusal", async () => {
  const client = await serve(async (call) => call.finish());
  const call: ProxyCall = {
    path: "/a/b",
    metadata: [],
    frames: frames(),
    signal: AbortSignal.timeout(5_000),
  };
  const refused = callProxy(client, call, ["x!", "1"], () => new Error("no"));
  await expect(refused).rejects.toMatchObject({ code: "OTR_PROTOCOL_VIOLATION" });
});
