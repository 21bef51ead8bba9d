import {
  type BodyStream,
  type CallPolicy,
  createRuntime,
  type InvokeRequest,
  type PolicedCall,
  type Runtime,
  readBody,
  type Sidecar,
} from "@outrigger/core";
import { afterEach, expect, test } from "vitest";
import { answer, ListResolver, ScriptedTransport } from "./fakes.ts";

const first = { host: "10.0.0.1", port: 1 };
const second = { host: "10.0.0.2", port: 2 };

let runtime: Runtime | undefined;
afterEach(() => runtime?.stop());

/** Makes two attempts at once where it may, and gives the second one's answer. */
class EagerPolicy implements CallPolicy {
  readonly retries = false;
  readonly hedges = true;
  readonly maxReplayBytes = 100;
  readonly asked: (boolean | undefined)[] = [];

  async run<T>(call: PolicedCall<T>): Promise<T> {
    const loser = new AbortController();
    const slow = call.attempt(loser.signal);
    slow.catch(() => undefined);
    await new Promise((resolve) => setImmediate(resolve));
    const joins = call.hedgeable?.(1);
    this.asked.push(joins, call.hedgeable?.(2));
    if (!joins) return (await slow).value;
    const { value } = await call.attempt(call.signal);
    loser.abort();
    return value;
  }
}

async function start(
  endpoints = [first, second],
): Promise<{ transport: ScriptedTransport; sidecar: Sidecar; policy: EagerPolicy }> {
  const transport = new ScriptedTransport();
  const policy = new EagerPolicy();
  let sidecar: Sidecar | undefined;
  runtime = await createRuntime({
    ...{ appId: "checkout", retry: { retries: 3, delayMs: 1 } },
    transport: () => transport,
    resolver: () => new ListResolver(endpoints),
    resiliency: () => ({ name: "r", hasTarget: () => true, policyFor: () => policy }),
    ingresses: [
      (_context, given) => {
        sidecar = given;
        return { name: "ingress-test", addresses: () => [], drain: async () => undefined };
      },
    ],
  });
  return { transport, policy, sidecar: sidecar as Sidecar };
}

function request(verb: string, changes: Partial<InvokeRequest> = {}): InvokeRequest {
  return {
    ...{ target: "orders", method: "m", http: { verb, query: "" }, origin: "http" },
    ...{ metadata: [], contentType: "", typeUrl: "", body: Buffer.from("x"), bodyLength: 1 },
    ...{ signal: new AbortController().signal },
    ...changes,
  };
}

async function* pieces(): AsyncGenerator<Uint8Array> {
  for (const text of ["ab", "cd", "e"]) {
    await new Promise((resolve) => setImmediate(resolve));
    yield Buffer.from(text);
  }
}

test.each(["GET", "HEAD", "OPTIONS", "PUT", "DELETE"])(
  "a %s may be made at another instance too, at no third one",
  async (verb) => {
    const { transport, sidecar, policy } = await start();
    await sidecar.invoke(request(verb));
    expect(policy.asked).toEqual([true, false]);
    expect(transport.attempts.map(({ endpoint }) => endpoint.port)).toEqual([1, 2]);
    expect(transport.attempts.map(({ call }) => call.signal.aborted)).toEqual([true, false]);
  },
);

test.each<[string, InvokeRequest]>([
  ["a POST", request("POST")],
  ["a PATCH", request("PATCH")],
  ["a GET by gRPC", request("GET", { origin: "grpc" })],
  ["a PUT of unknown length", request("PUT", { body: pieces(), bodyLength: undefined })],
  ["a PUT that is too long to be kept", request("PUT", { body: pieces(), bodyLength: 101 })],
  ["a call of the own app", request("GET", { target: "checkout" })],
])("%s is made once", async (_title, call) => {
  const { transport, sidecar, policy } = await start();
  await sidecar.invoke(call).catch(() => undefined);
  expect(policy.asked.some((joins) => joins)).toBe(false);
  expect(transport.attempts.length).toBeLessThan(2);
});

test("an app with a single instance gets a call once", async () => {
  const { policy, sidecar } = await start([first]);
  await sidecar.invoke(request("GET"));
  expect(policy.asked).toEqual([false, false]);
});

test("both attempts get the whole of a streamed body", async () => {
  const { transport, sidecar } = await start();
  const bodies: string[] = [];
  transport.respond = async (_endpoint, { body }) => {
    // The first one has begun, and goes on beside the second.
    bodies.push(Buffer.from(await readBody(body as BodyStream, 100)).toString());
    return answer("stored");
  };
  await sidecar.invoke(request("PUT", { body: pieces(), bodyLength: 5 }));
  await expect.poll(() => bodies).toEqual(["abcde", "abcde"]);
});
