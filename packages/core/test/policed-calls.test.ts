import {
  type AttemptResult,
  type BodyStream,
  type CallPolicy,
  createRuntime,
  type Endpoint,
  type InvokeRequest,
  type OutriggerError,
  type PolicedCall,
  type Resiliency,
  RpcCode,
  type Runtime,
  readBody,
  rpcError,
  type Sidecar,
} from "@outrigger/core";
import { afterEach, expect, test } from "vitest";
import { answer, ListResolver, ScriptedTransport } from "./fakes.ts";

const first: Endpoint = { host: "10.0.0.1", port: 1 };
const second: Endpoint = { host: "10.0.0.2", port: 2 };

let runtime: Runtime | undefined;
afterEach(() => runtime?.stop());

/** Tries every call up to so many times, without a pause. */
class TryingPolicy implements CallPolicy {
  readonly retries = true;
  readonly maxReplayBytes: number;
  readonly results: AttemptResult<unknown>[] = [];
  readonly #attempts: number;

  constructor(attempts: number, maxReplayBytes = 1_000) {
    this.#attempts = attempts;
    this.maxReplayBytes = maxReplayBytes;
  }

  async run<T>(call: PolicedCall<T>): Promise<T> {
    for (let count = 1; ; count++) {
      const isLast = count === this.#attempts;
      try {
        const result = await call.attempt(call.signal);
        this.results.push(result);
        if (result.failure === undefined || isLast || !call.repeatable()) return result.value;
        call.discard(result.value);
      } catch (reason) {
        if (isLast || !call.repeatable()) throw reason;
      }
      call.retrying?.(undefined, 0);
    }
  }
}

interface Bench {
  readonly transport: ScriptedTransport;
  readonly resolver: ListResolver;
  readonly asked: [string, string][];
  readonly sidecar: Sidecar;
}

async function start(
  policy: CallPolicy | undefined,
  options: { readonly endpoints?: readonly Endpoint[]; readonly target?: string } = {},
): Promise<Bench> {
  const transport = new ScriptedTransport();
  const resolver = new ListResolver(options.endpoints ?? [first, second]);
  const asked: [string, string][] = [];
  const resiliency: Resiliency = {
    name: "resiliency-test",
    hasTarget: (appId) => appId === options.target,
    policyFor: (target, key) => {
      asked.push([target, key]);
      return policy;
    },
  };
  let sidecar: Sidecar | undefined;
  runtime = await createRuntime({
    ...{ appId: "checkout", host: "192.0.2.7", retry: { retries: 3, delayMs: 1 } },
    transport: () => transport,
    resolver: () => resolver,
    resiliency: () => resiliency,
    ingresses: [
      (_context, given) => {
        sidecar = given;
        return { name: "ingress-test", addresses: () => [], drain: async () => undefined };
      },
    ],
  });
  return { transport, resolver, asked, sidecar: sidecar as Sidecar };
}

function request(changes: Partial<InvokeRequest> = {}): InvokeRequest {
  return {
    ...{ target: "orders", method: "m", http: { verb: "POST", query: "" }, origin: "http" },
    ...{ metadata: [], contentType: "", typeUrl: "", body: Buffer.from("x"), bodyLength: 1 },
    ...{ signal: new AbortController().signal },
    ...changes,
  };
}

/** A body in pieces; remembers whether it was let go. */
class Pieces implements BodyStream {
  released = false;
  readonly #pieces: string[];

  constructor(...pieces: string[]) {
    this.#pieces = [...pieces];
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return {
      next: async () => {
        const piece = this.#pieces.shift();
        return piece === undefined
          ? { done: true, value: undefined }
          : { done: false, value: Buffer.from(piece) };
      },
      return: async () => {
        this.released = true;
        return { done: true, value: undefined };
      },
    };
  }
}

const unavailable = (): OutriggerError =>
  rpcError("OTR_PEER_UNAVAILABLE", { code: RpcCode.UNAVAILABLE, message: "refused" });

test("attempts alternate between instances and carry the forwarding headers once", async () => {
  const { transport, sidecar } = await start(new TryingPolicy(3));
  transport.respond = async () => answer("busy", 503);
  expect((await sidecar.invoke(request())).status.code).toBe(503);
  expect(transport.attempts.map(({ endpoint }) => endpoint.port)).toEqual([1, 2, 1]);
  for (const { call } of transport.attempts) {
    expect(call.metadata.filter((text) => text === "X-Forwarded-For")).toHaveLength(1);
  }
});

test("the policy is asked by target and method", async () => {
  const { asked, sidecar } = await start(undefined);
  await sidecar.invoke(request({ target: "orders.prod", method: "a//b/" }));
  expect(asked).toEqual([["orders.prod", "orders.prod:a/b"]]);
});

test("a streamed body of known length is sent again in full", async () => {
  const { transport, sidecar } = await start(new TryingPolicy(3));
  const bodies: string[] = [];
  transport.respond = async (_endpoint, { body }) => {
    const iterator = (body as BodyStream)[Symbol.asyncIterator]();
    if (bodies.length === 0) {
      // The first attempt breaks off in the middle.
      bodies.push(`${(await iterator.next()).value}`);
      return answer("", 500);
    }
    bodies.push(Buffer.from(await readBody(body, 100)).toString());
    return answer("", bodies.length < 3 ? 500 : 200);
  };
  const body = new Pieces("ab", "cd", "e");
  const response = await sidecar.invoke(request({ body, bodyLength: 5 }));
  expect(response.status.code).toBe(200);
  expect(bodies).toHaveLength(3);
  expect(bodies.slice(1)).toEqual(["abcde", "abcde"]);
});

test.each([
  ["of unknown length", undefined],
  ["longer than what is kept", 1_001],
])("a body %s is sent once", async (_title, bodyLength) => {
  const { transport, sidecar } = await start(new TryingPolicy(3));
  transport.respond = async () => answer("", 500);
  const response = await sidecar.invoke(request({ body: new Pieces("ab"), bodyLength }));
  expect(response.status.code).toBe(500);
  expect(transport.attempts).toHaveLength(1);
});

test("an answer that is replaced is let go; the delivered one is told apart by its end", async () => {
  const policy = new TryingPolicy(2);
  const { transport, sidecar } = await start(policy);
  const unwanted = new Pieces("no");
  transport.respond = async () =>
    transport.attempts.length === 1
      ? { ...answer("", 500), body: unwanted }
      : { ...answer("", 200), body: new Pieces("yes") };
  const { body } = await sidecar.invoke(request());
  expect(unwanted.released).toBe(true);
  expect(Buffer.from(await readBody(body, 10)).toString()).toBe("yes");
  expect(await policy.results[1]?.ended).toBe(true);
});

test.each([
  ["http", 302, false],
  ["http", 400, true],
  ["http", 101, true],
  ["http", 14, false],
  ["grpc", 302, true],
  ["grpc", 204, false],
  ["grpc", 5, true],
  ["grpc", 0, false],
] as const)("over %s, status %d counts as a failure: %s", async (origin, code, expected) => {
  const policy = new TryingPolicy(1);
  const { transport, sidecar } = await start(policy);
  transport.respond = async () => answer("", code);
  await sidecar.invoke(request({ origin }));
  const failure = expected ? { code: origin === "http" ? code : undefined } : undefined;
  expect(policy.results.map((result) => result.failure)).toEqual([failure]);
});

test("an entry of its own switches the built-in retries off; defaults leave them on", async () => {
  const alone = await start(undefined, { target: "orders", endpoints: [first] });
  alone.transport.respond = () => Promise.reject(unavailable());
  await expect(alone.sidecar.invoke(request())).rejects.toThrow("refused");
  expect(alone.transport.attempts).toHaveLength(1);
  expect(alone.transport.resets).toEqual([first]);
  expect(alone.resolver.reports).toEqual([[first, "unreachable"]]);
  await runtime?.stop();
  // The namespace is not part of the entry's name.
  const named = await start(undefined, { target: "orders", endpoints: [first] });
  named.transport.respond = () => Promise.reject(unavailable());
  await expect(named.sidecar.invoke(request({ target: "orders.prod" }))).rejects.toThrow();
  expect(named.transport.attempts).toHaveLength(1);
  await runtime?.stop();
  const nested = await start(new TryingPolicy(2), { endpoints: [first] });
  nested.transport.respond = () => Promise.reject(unavailable());
  await expect(nested.sidecar.invoke(request())).rejects.toThrow("after 3 retries");
  expect(nested.transport.attempts).toHaveLength(8);
});

test("calls that arrive are not asked about", async () => {
  const { transport, asked } = await start(new TryingPolicy(3));
  await transport.handler?.receive(request()).catch(() => undefined);
  expect(asked).toEqual([]);
});
