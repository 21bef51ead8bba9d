import {
  createRuntime,
  type Endpoint,
  type InvokeResponse,
  type OutriggerError,
  RpcCode,
  type Runtime,
  type RuntimeOptions,
  rpcError,
} from "@outrigger/core";
import { afterEach, expect, test } from "vitest";
import { answer, ListResolver, ScriptedTransport } from "./fakes.ts";

const first: Endpoint = { host: "10.0.0.1", port: 1 };
const second: Endpoint = { host: "10.0.0.2", port: 2 };
const unavailable = (): OutriggerError =>
  rpcError("OTR_PEER_UNAVAILABLE", { code: RpcCode.UNAVAILABLE, message: "connection refused" });

let runtime: Runtime | undefined;
afterEach(() => runtime?.stop());

async function start(
  endpoints: readonly Endpoint[],
  options: Partial<RuntimeOptions> = {},
): Promise<{ runtime: Runtime; transport: ScriptedTransport; resolver: ListResolver }> {
  const transport = new ScriptedTransport();
  const resolver = new ListResolver(endpoints);
  runtime = await createRuntime({
    appId: "checkout",
    transport: () => transport,
    resolver: () => resolver,
    retry: { retries: 3, delayMs: 1 },
    host: "192.0.2.7",
    hostname: "build-7",
    ...options,
  });
  return { runtime, transport, resolver };
}

test("calls to two instances alternate", async () => {
  const { runtime, transport } = await start([first, second]);
  for (let index = 0; index < 4; index++) await runtime.invoke({ target: "orders", method: "m" });
  expect(transport.attempts.map(({ endpoint }) => endpoint.port)).toEqual([1, 2, 1, 2]);
});

test("the callee is told who calls, and a forged caller is dropped", async () => {
  const { runtime, transport } = await start([first]);
  const headers = { "Dapr-Caller-App-Id": "admin", "X-Forwarded-For": "9.9.9.9", "X-Own": "1" };
  await runtime.invoke({ target: "orders.prod", method: "m", headers });
  expect(transport.attempts[0]?.call.metadata).toEqual([
    ...["X-Forwarded-For", "9.9.9.9", "X-Own", "1"],
    ...["X-Forwarded-For", "192.0.2.7", "X-Forwarded-Host", "build-7"],
    ...["Forwarded", "for=192.0.2.7;by=192.0.2.7;host=build-7"],
    ...["dapr-caller-namespace", "default", "dapr-caller-app-id", "checkout"],
    ...["destination-app-id", "orders", "dapr-callee-app-id", "orders"],
  ]);
});

test("an unreachable instance costs no failed call while another one answers", async () => {
  const { runtime, transport, resolver } = await start([first, second]);
  transport.respond = async (endpoint) => {
    if (endpoint === first) throw unavailable();
    return answer("from second");
  };
  const response = await runtime.invoke({ target: "orders", method: "m", body: "order" });
  expect(Buffer.from(response.body as Uint8Array).toString()).toBe("from second");
  expect(resolver.reports).toEqual([[first, "unreachable"]]);
  expect(transport.resets).toEqual([first]);
});

test("a target that stays unreachable fails after three retries, in Dapr's words", async () => {
  const { runtime, transport } = await start([first]);
  transport.respond = async () => {
    throw unavailable();
  };
  await expect(runtime.invoke({ target: "orders", method: "m" })).rejects.toThrow(
    "failed to invoke target orders after 3 retries. Error: rpc error: code = Unavailable desc = connection refused",
  );
  expect(transport.attempts).toHaveLength(4);
});

test("an instance that appears between two attempts takes over", async () => {
  const { runtime, transport, resolver } = await start([first]);
  transport.respond = async (endpoint) => {
    if (endpoint === second) return answer("late");
    resolver.endpoints = [second];
    throw unavailable();
  };
  await expect(runtime.invoke({ target: "orders", method: "m" })).resolves.toMatchObject({
    status: { code: 200 },
  });
});

test("other failures are not repeated", async () => {
  const { runtime, transport } = await start([first, second]);
  transport.respond = async () => {
    throw rpcError("OTR_POLICY_DENIED", { code: RpcCode.PERMISSION_DENIED, message: "no" });
  };
  await expect(runtime.invoke({ target: "orders", method: "m" })).rejects.toMatchObject({
    code: "OTR_POLICY_DENIED",
  });
  expect(transport.attempts).toHaveLength(1);
});

async function* chunks(): AsyncGenerator<Uint8Array> {
  yield Buffer.from("part");
}

test("a streamed body that nobody has read yet may go to another instance", async () => {
  const { runtime, transport } = await start([first, second]);
  transport.respond = async (endpoint) => {
    if (endpoint === first) throw unavailable();
    return answer("ok");
  };
  await expect(
    runtime.invoke({ target: "orders", method: "m", body: chunks() }),
  ).resolves.toMatchObject({ status: { code: 200 } });
});

test("a streamed body that was read is never sent twice", async () => {
  const { runtime, transport } = await start([first, second]);
  transport.respond = async (_endpoint, call): Promise<InvokeResponse> => {
    for await (const _chunk of call.body as AsyncIterable<Uint8Array>) break;
    throw unavailable();
  };
  await expect(
    runtime.invoke({ target: "orders", method: "m", body: chunks() }),
  ).rejects.toMatchObject({ code: "OTR_PEER_UNAVAILABLE" });
  expect(transport.attempts).toHaveLength(1);
});

test("an abort ends the pause between attempts", async () => {
  const { runtime, transport } = await start([first], { retry: { retries: 3, delayMs: 60_000 } });
  const caller = new AbortController();
  transport.respond = async () => {
    setImmediate(() => caller.abort());
    throw unavailable();
  };
  await expect(
    runtime.invoke({ target: "orders", method: "m", signal: caller.signal }),
  ).rejects.toMatchObject({ code: "OTR_ABORTED" });
  expect(transport.attempts).toHaveLength(1);
});

test("without a resolver the error says so", async () => {
  const transport = new ScriptedTransport();
  runtime = await createRuntime({ appId: "checkout", transport: () => transport });
  await expect(runtime.invoke({ target: "orders", method: "m" })).rejects.toThrow(
    "name resolver not initialized",
  );
});

test("a caller that leaves while another instance is looked up gets an error of ours", async () => {
  const { runtime, transport, resolver } = await start([first]);
  const caller = new AbortController();
  transport.respond = async () => {
    resolver.resolve = async () => {
      caller.abort();
      throw new Error("look-up broke");
    };
    throw unavailable();
  };
  const call = runtime.invoke({ target: "orders", method: "m", signal: caller.signal });
  await expect(call).rejects.toMatchObject({ code: "OTR_ABORTED" });
});
