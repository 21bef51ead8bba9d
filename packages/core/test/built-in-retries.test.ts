import {
  type BodyStream,
  createRuntime,
  freeChunk,
  type InvokeRequest,
  type Logger,
  type LogLevel,
  type OutriggerError,
  ownChunk,
  RpcCode,
  type Runtime,
  type RuntimeOptions,
  rpcError,
  type Sidecar,
} from "@outrigger/core";
import { afterEach, expect, test, vi } from "vitest";
import { answer, ListResolver, ScriptedTransport } from "./fakes.ts";

const first = { host: "10.0.0.1", port: 1 };
const second = { host: "10.0.0.2", port: 2 };
const unavailable = (): OutriggerError =>
  rpcError("OTR_PEER_UNAVAILABLE", { code: RpcCode.UNAVAILABLE, message: "connection reset" });

let runtime: Runtime | undefined;
afterEach(() => runtime?.stop());

interface Bench {
  readonly transport: ScriptedTransport;
  readonly sidecar: Sidecar;
  readonly lines: string[];
}

async function start(options: Partial<RuntimeOptions> = {}, endpoints = [first]): Promise<Bench> {
  const transport = new ScriptedTransport();
  const lines: string[] = [];
  const log: Logger = {
    log: (level: LogLevel, message) => {
      if (message.includes("processing operation")) lines.push(`${level} ${message}`);
    },
    enabled: () => true,
    scope: () => log,
  };
  let sidecar: Sidecar | undefined;
  runtime = await createRuntime({
    ...{ appId: "checkout", retry: { retries: 3, delayMs: 1 }, log },
    transport: () => transport,
    resolver: () => new ListResolver(endpoints),
    ingresses: [
      (_context, given) => {
        sidecar = given;
        return { name: "ingress-test", addresses: () => [], drain: async () => undefined };
      },
    ],
    ...options,
  });
  return { transport, lines, sidecar: sidecar as Sidecar };
}

/** Chunks as an engine delivers them: their memory may be freed by whoever sends them. */
class Upload implements BodyStream {
  ended = false;
  readonly #chunks: number;
  #sent = 0;

  constructor(chunks: number) {
    this.#chunks = chunks;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return {
      next: async () => {
        if (this.#sent >= this.#chunks) return { done: true, value: undefined };
        this.#sent += 1;
        return { done: false, value: ownChunk(new Uint8Array(chunkBytes).fill(this.#sent)) };
      },
      return: async () => {
        this.ended = true;
        return { done: true, value: undefined };
      },
    };
  }
}

const chunkBytes = 8_192;

function upload(chunks: number, changes: Partial<InvokeRequest> = {}): InvokeRequest {
  return {
    ...{ target: "orders", method: "m", http: { verb: "POST", query: "" }, origin: "http" },
    ...{ metadata: [], contentType: "", typeUrl: "" },
    ...{ body: new Upload(chunks), bodyLength: chunks * chunkBytes },
    ...{ signal: new AbortController().signal },
    ...changes,
  };
}

/** Reads like an engine: what is on its way is freed. Returns the first byte of each chunk. */
async function send({ body }: InvokeRequest, chunks = Number.POSITIVE_INFINITY): Promise<number[]> {
  const iterator = (body as BodyStream)[Symbol.asyncIterator]();
  const seen: number[] = [];
  while (seen.length < chunks) {
    const { done, value } = await iterator.next();
    if (done) break;
    expect(value).toHaveLength(chunkBytes);
    seen.push(value[0] ?? 0);
    freeChunk(value);
  }
  if (seen.length === chunks) await iterator.return?.();
  return seen;
}

test("a streamed body of a declared length is sent again in full", async () => {
  const { transport, sidecar } = await start();
  const bodies: number[][] = [];
  transport.respond = async (_endpoint, call) => {
    // The first connection breaks in the middle of the body, the second at its end.
    bodies.push(await send(call, bodies.length === 0 ? 2 : undefined));
    if (bodies.length < 3) throw unavailable();
    return answer("stored");
  };
  await expect(sidecar.invoke(upload(4))).resolves.toMatchObject({ status: { code: 200 } });
  expect(bodies).toEqual([
    [1, 2],
    [1, 2, 3, 4],
    [1, 2, 3, 4],
  ]);
});

test.each<[string, number, Partial<InvokeRequest>]>([
  ["longer than what is kept", 5, {}],
  ["of unknown length", 2, { bodyLength: undefined }],
])("a body %s is sent once when it has been read", async (_title, chunks, changes) => {
  const retry = { retries: 3, delayMs: 1, maxReplayBytes: 4 * chunkBytes };
  const { transport, sidecar } = await start({ retry }, [first, second]);
  transport.respond = async (_endpoint, call) => {
    await send(call, 1);
    throw unavailable();
  };
  await expect(sidecar.invoke(upload(chunks, changes))).rejects.toThrow("connection reset");
  expect(transport.attempts).toHaveLength(1);
});

test("when the retries are used up, the source of the body is told", async () => {
  const { transport, sidecar } = await start();
  const body = new Upload(4);
  transport.respond = async (_endpoint, call) => {
    await send(call, 1);
    throw unavailable();
  };
  await expect(sidecar.invoke(upload(4, { body }))).rejects.toThrow("after 3 retries");
  expect(transport.attempts).toHaveLength(4);
  expect(body.ended).toBe(true);
});

test.each([
  ["before", true],
  ["after", false],
])("an answer before the body was read: the rest passes, or ends %s it", async (_when, early) => {
  const { transport, sidecar } = await start();
  const body = new Upload(4);
  let rest: Promise<number[]> = Promise.resolve([]);
  transport.respond = async (_endpoint, call) => {
    if (early) await send(call, 1);
    else rest = Promise.resolve().then(() => send(call));
    return answer("enough");
  };
  await sidecar.invoke(upload(4, { body }));
  expect(body.ended).toBe(early);
  expect(await rest).toEqual(early ? [] : [1, 2, 3, 4]);
});

test("the first failure and the recovery are in the log, in Dapr's words", async () => {
  const { transport, sidecar, lines } = await start();
  transport.respond = async () => {
    if (transport.attempts.length < 3) throw unavailable();
    return answer("ok");
  };
  await sidecar.invoke(upload(1));
  expect(lines).toEqual([
    "warn Error processing operation DaprBuiltInServiceRetries. Retrying in 1ms\u2026",
    "info Recovered processing operation DaprBuiltInServiceRetries after 3 attempts",
  ]);
});

test("another instance is tried without a pause; a call that goes well leaves no line", async () => {
  const { transport, sidecar, lines } = await start({}, [first, second]);
  transport.respond = async (endpoint) => {
    if (endpoint === first) throw unavailable();
    return answer("ok");
  };
  await sidecar.invoke(upload(1));
  expect(lines).toEqual([
    "warn Error processing operation DaprBuiltInServiceRetries. Retrying in 0s\u2026",
    "info Recovered processing operation DaprBuiltInServiceRetries after 2 attempts",
  ]);
  transport.respond = async () => answer("ok");
  await sidecar.invoke(upload(1));
  expect(lines).toHaveLength(2);
});

test("a target that stays away is told once", async () => {
  const { transport, sidecar, lines } = await start();
  transport.respond = () => Promise.reject(unavailable());
  await expect(sidecar.invoke(upload(1))).rejects.toThrow("after 3 retries");
  expect(lines).toHaveLength(1);
});

test("without anything configured four attempts are exactly a second apart", async () => {
  vi.useFakeTimers();
  try {
    const transport = new ScriptedTransport();
    runtime = await createRuntime({
      appId: "checkout",
      transport: () => transport,
      resolver: () => new ListResolver([first]),
    });
    const times: number[] = [];
    const startedAt = Date.now();
    transport.respond = () => {
      times.push(Date.now() - startedAt);
      return Promise.reject(unavailable());
    };
    const call = runtime.invoke({ target: "orders", method: "m" }).catch((reason) => reason);
    await vi.advanceTimersByTimeAsync(2_999);
    expect(times).toEqual([0, 1_000, 2_000]);
    await vi.advanceTimersByTimeAsync(1);
    expect(times).toEqual([0, 1_000, 2_000, 3_000]);
    expect(await call).toMatchObject({ message: expect.stringContaining("after 3 retries") });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(times).toHaveLength(4);
  } finally {
    vi.useRealTimers();
  }
});
