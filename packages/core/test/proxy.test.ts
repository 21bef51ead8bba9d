import {
  type AccessRequest,
  createRuntime,
  type Endpoint,
  OutriggerError,
  type ProxyCall,
  type ProxyChannel,
  type ProxyResponse,
  RpcCode,
  type Runtime,
  type RuntimeOptions,
  rpcError,
  type Sidecar,
} from "@outrigger/core";
import { afterEach, expect, test } from "vitest";
import { ListResolver, ScriptedTransport } from "./fakes.ts";

const first: Endpoint = { host: "10.0.0.1", port: 1 };
const second: Endpoint = { host: "10.0.0.2", port: 2 };

let runtime: Runtime | undefined;
afterEach(() => runtime?.stop());

async function* frames(): AsyncGenerator<Uint8Array> {
  yield Buffer.from([0, 0, 0, 0, 0]);
}

function call(metadata: readonly string[], path = "/shop.Orders/Place"): ProxyCall {
  return { path, metadata, frames: frames(), signal: new AbortController().signal };
}

const answer: ProxyResponse = {
  headers: [],
  frames: frames(),
  ended: Promise.resolve({ status: { code: 0, message: "" }, trailers: [] }),
};

/** An app that remembers what reached it. */
class RecordingApp implements ProxyChannel {
  readonly name = "app-proxy-test";
  readonly calls: ProxyCall[] = [];
  async proxy(received: ProxyCall): Promise<ProxyResponse> {
    this.calls.push(received);
    return answer;
  }
}

/** A transport that proxies as the test says. */
class ProxyTransport extends ScriptedTransport {
  readonly proxied: { endpoint: Endpoint; call: ProxyCall }[] = [];
  refuse: readonly Endpoint[] = [];

  override connect(endpoint: Endpoint): ReturnType<ScriptedTransport["connect"]> {
    return {
      ...super.connect(endpoint),
      proxy: async (proxied) => {
        this.proxied.push({ endpoint, call: proxied });
        if (!this.refuse.includes(endpoint)) return answer;
        throw rpcError("OTR_PEER_UNAVAILABLE", { code: RpcCode.UNAVAILABLE, message: "refused" });
      },
    };
  }
}

async function start(options: Partial<RuntimeOptions> = {}): Promise<{
  transport: ProxyTransport;
  app: RecordingApp;
  resolver: ListResolver;
  sidecar: Sidecar;
}> {
  const transport = new ProxyTransport();
  const app = new RecordingApp();
  const resolver = new ListResolver([first, second]);
  const got: Sidecar[] = [];
  runtime = await createRuntime({
    appId: "checkout",
    transport: () => transport,
    resolver: () => resolver,
    appProxy: () => app,
    ingresses: [
      (_context, sidecar) => {
        got.push(sidecar);
        return { name: "ingress-test", addresses: () => [], drain: async () => undefined };
      },
    ],
    ...options,
  });
  return { transport, app, resolver, sidecar: got[0] as Sidecar };
}

test("a proxied call goes to the app that its metadata names, under this sidecar's name", async () => {
  const { transport, sidecar } = await start();
  const metadata = ["dapr-app-id", "orders.prod", "x-own", "1", "dapr-caller-app-id", "forged"];
  await sidecar.proxy(call(metadata));
  expect(transport.proxied[0]?.call.metadata).toEqual([
    ...["x-own", "1", "dapr-caller-app-id", "checkout", "dapr-callee-app-id", "orders"],
  ]);
});

test("dapr-callee-app-id goes before dapr-app-id", async () => {
  const { app, sidecar } = await start();
  await sidecar.proxy(call(["dapr-app-id", "nobody", "dapr-callee-app-id", "checkout"]));
  expect(app.calls).toHaveLength(1);
});

test("the own id is served by the own app, whatever the namespace", async () => {
  const { app, transport, sidecar } = await start();
  await sidecar.proxy(call(["dapr-app-id", "checkout.elsewhere", "x-own", "1"]));
  expect(app.calls[0]?.metadata).toEqual(["x-own", "1"]);
  expect(transport.proxied).toEqual([]);
});

test.for([
  [["x", "1"], "cannot proxy request: missing dapr-callee-app-id or dapr-app-id metadata"],
  [["dapr-app-id", ""], "app id is empty"],
  [["dapr-app-id", "a.b.c"], "invalid app id a.b.c"],
  [["dapr-app-id", "http://example.com"], "invalid app id http://example.com"],
] as const)("refuses %j", async ([metadata, text]) => {
  const { sidecar } = await start();
  await expect(sidecar.proxy(call(metadata))).rejects.toThrow(text);
});

test("an endpoint that refuses is passed over for another one", async () => {
  const { transport, resolver, sidecar } = await start();
  transport.refuse = [first];
  await sidecar.proxy(call(["dapr-app-id", "orders"]));
  expect(transport.proxied.map(({ endpoint }) => endpoint)).toEqual([first, second]);
  expect(resolver.reports).toEqual([[first, "unreachable"]]);
});

test("with every endpoint refusing, the attempts end", async () => {
  const { transport, sidecar } = await start();
  transport.refuse = [first, second];
  await expect(sidecar.proxy(call(["dapr-app-id", "orders"]))).rejects.toMatchObject({
    code: "OTR_PEER_UNAVAILABLE",
  });
  expect(transport.proxied).toHaveLength(3);
});

test("a peer's call is judged by the path that is delivered", async () => {
  const seen: AccessRequest[] = [];
  const { app, transport } = await start({
    accessPolicy: () => ({
      name: "access-test",
      decide: (request) => {
        seen.push(request);
        return { allowed: false, reason: "test" };
      },
    }),
  });
  await expect(
    transport.handler?.proxy(call(["dapr-callee-app-id", "checkout"], "/shop.Orders/Place")),
  ).rejects.toMatchObject({
    rpc: {
      code: RpcCode.PERMISSION_DENIED,
      message:
        "access control policy has denied access to id:  operation: /shop.Orders/Place verb: NONE",
    },
  });
  expect(seen).toEqual([
    { peer: undefined, method: "/shop.Orders/Place", verb: "", protocol: "grpc" },
  ]);
  expect(app.calls).toEqual([]);
});

test("a peer cannot use this sidecar to reach a third app", async () => {
  const { app, transport } = await start();
  await expect(
    transport.handler?.proxy(call(["dapr-callee-app-id", "payroll"])),
  ).rejects.toMatchObject({ code: "OTR_POLICY_DENIED" });
  expect(app.calls).toEqual([]);
  expect(transport.proxied).toEqual([]);
});

test("a transport that carries no proxied calls says so", async () => {
  const plain = new ScriptedTransport();
  const { sidecar } = await start({ transport: () => plain });
  await expect(sidecar.proxy(call(["dapr-app-id", "orders"]))).rejects.toSatisfy(
    (reason) => reason instanceof OutriggerError && reason.rpc?.code === RpcCode.UNIMPLEMENTED,
  );
});
