import {
  type BodyStream,
  type CallPolicy,
  type Connection,
  createRuntime,
  type Endpoint,
  isOutriggerError,
  type OutriggerError,
  type PolicedCall,
  type ProxyCall,
  type ProxyResponse,
  RpcCode,
  type Runtime,
  readBody,
  rpcError,
  type Sidecar,
} from "@outrigger/core";
import { afterEach, expect, test } from "vitest";
import { ListResolver, ScriptedTransport } from "./fakes.ts";

const endpoint: Endpoint = { host: "10.0.0.1", port: 1 };

let runtime: Runtime | undefined;
afterEach(() => runtime?.stop());

/** Three attempts without a pause. */
const policy: CallPolicy = {
  retries: true,
  maxReplayBytes: 1_000,
  async run<T>(call: PolicedCall<T>): Promise<T> {
    for (let count = 1; ; count++) {
      try {
        const { value, failure } = await call.attempt(call.signal);
        if (failure === undefined || count === 3 || !call.repeatable()) return value;
        call.discard(value);
      } catch (reason) {
        if (count === 3 || !call.repeatable()) throw reason;
      }
    }
  },
};

class ProxyTransport extends ScriptedTransport {
  readonly proxied: ProxyCall[] = [];
  answer: (call: ProxyCall) => Promise<ProxyResponse> = async () => ending(0);

  override connect(to: Endpoint): Connection {
    return {
      ...super.connect(to),
      proxy: async (call) => {
        this.proxied.push(call);
        return this.answer(call);
      },
    };
  }
}

async function start(resolver = new ListResolver([endpoint])): Promise<{
  transport: ProxyTransport;
  asked: [string, string][];
  sidecar: Sidecar;
}> {
  const transport = new ProxyTransport();
  const asked: [string, string][] = [];
  let sidecar: Sidecar | undefined;
  runtime = await createRuntime({
    appId: "checkout",
    transport: () => transport,
    resolver: () => resolver,
    resiliency: () => ({
      name: "resiliency-test",
      hasTarget: () => true,
      policyFor: (target, key) => {
        asked.push([target, key]);
        return policy;
      },
    }),
    ingresses: [
      (_context, given) => {
        sidecar = given;
        return { name: "ingress-test", addresses: () => [], drain: async () => undefined };
      },
    ],
  });
  return { transport, asked, sidecar: sidecar as Sidecar };
}

async function* frames(...chunks: Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

function ending(code: number, ...chunks: Uint8Array[]): ProxyResponse {
  const status = { code, message: "app says" };
  return {
    headers: [],
    frames: frames(...chunks),
    ended: Promise.resolve({ status, trailers: [] }),
  };
}

function call(body: BodyStream, ...metadata: readonly string[]): ProxyCall {
  return {
    path: "/t.S/M",
    metadata: ["dapr-app-id", "orders", ...metadata],
    frames: body,
    signal: new AbortController().signal,
  };
}

const one = Buffer.from([0, 0, 0, 0, 3, 97, 98, 99]);

test("the one message is sent again in full, however it came", async () => {
  const { transport, asked, sidecar } = await start();
  const sent: string[] = [];
  transport.answer = async ({ frames: body }) => {
    sent.push(Buffer.from(await readBody(body, 100)).toString("hex"));
    return ending(sent.length < 3 ? 14 : 0, ...(sent.length < 3 ? [] : [one]));
  };
  const response = await sidecar.proxy(
    call(frames(one.subarray(0, 3), one.subarray(3, 6), one.subarray(6))),
  );
  expect(sent).toEqual(Array(3).fill(one.toString("hex")));
  expect(Buffer.from(await readBody(response.frames, 100))).toEqual(one);
  expect((await response.ended).status.code).toBe(0);
  expect(asked).toEqual([["orders", "orders:/t.S/M"]]);
});

test("the last status is the app's own", async () => {
  const { transport, sidecar } = await start();
  transport.answer = async () => ending(14);
  const response = await sidecar.proxy(call(frames(one)));
  expect((await response.ended).status).toEqual({ code: 14, message: "app says" });
  expect(transport.proxied).toHaveLength(3);
});

test("nothing is repeated once a message has come", async () => {
  const { transport, sidecar } = await start();
  transport.answer = async () => ending(14, one);
  const response = await sidecar.proxy(call(frames(one)));
  expect(Buffer.from(await readBody(response.frames, 100))).toEqual(one);
  expect((await response.ended).status.code).toBe(14);
  expect(transport.proxied).toHaveLength(1);
});

test("a second message ends the call", async () => {
  const { transport, sidecar } = await start();
  transport.answer = async ({ frames: body }) => {
    await readBody(body, 100);
    return ending(0);
  };
  const second = Buffer.concat([one, one.subarray(0, 2)]);
  const failure = await sidecar.proxy(call(frames(second))).catch((reason) => reason);
  expect((failure as OutriggerError).rpc).toMatchObject({
    code: RpcCode.FAILED_PRECONDITION,
    message: "cannot use resiliency policies with retries on streaming RPCs",
  });
  expect(transport.proxied).toHaveLength(1);
});

test.each(["1", " Yes ", "TRUE"])(
  "dapr-stream %j lets any number of messages pass",
  async (value) => {
    const { transport, sidecar } = await start();
    let attempts = 0;
    transport.answer = async ({ frames: body }) => {
      attempts += 1;
      // Nothing has been read yet, so the opening may be repeated.
      if (attempts < 5) {
        throw rpcError("OTR_PEER_UNAVAILABLE", { code: RpcCode.UNAVAILABLE, message: "refused" });
      }
      return { ...ending(14), frames: body };
    };
    const response = await sidecar.proxy(call(frames(one, one), "dapr-stream", value));
    expect(await readBody(response.frames, 100)).toHaveLength(16);
    // What comes after the opening is the app's and the client's business.
    expect((await response.ended).status.code).toBe(14);
    expect(attempts).toBe(5);
  },
);

test("a name that nobody knows is not looked up again", async () => {
  let asked = 0;
  class Empty extends ListResolver {
    override async resolve(): Promise<readonly Endpoint[]> {
      asked += 1;
      throw rpcError("OTR_RESOLVE_NOT_FOUND", { code: RpcCode.UNKNOWN, message: "nobody" });
    }
  }
  const { sidecar } = await start(new Empty([]));
  const failure = await sidecar.proxy(call(frames(one))).catch((reason) => reason);
  expect(isOutriggerError(failure, "OTR_RESOLVE_NOT_FOUND")).toBe(true);
  expect(asked).toBe(1);
});
