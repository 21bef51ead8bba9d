import {
  type BodyStream,
  type HttpHandler,
  type HttpMiddlewareComponent,
  type HttpRequest,
  type HttpResponse,
  LiveHttpPipeline,
  silentLogger,
} from "@outrigger/core";
import { expect, test } from "vitest";

function requestOf(fields: Partial<HttpRequest> = {}): HttpRequest {
  const { signal } = new AbortController();
  const body = Buffer.from("abc");
  const base = { method: "POST", path: "/orders", query: "", headers: [], bodyLength: 3 };
  return { ...base, body, signal, ...fields };
}

const answer: HttpResponse = { status: 200, headers: [], body: Buffer.from("answer") };
const last: HttpHandler = async (request) => ({ ...answer, headers: ["X-Path", request.path] });

function handlerOf(
  handle: HttpMiddlewareComponent["handle"],
  name = "test",
): HttpMiddlewareComponent {
  return { name, handle };
}

/** Adds a letter to the path on the way in, and to the headers on the way out. */
function letter(name: string): HttpMiddlewareComponent {
  return handlerOf(async (request, next) => {
    const response = await next({ ...request, path: `${request.path}${name}` });
    return { ...response, headers: [...response.headers, "X-By", name] };
  });
}

function pipelineOf(...handlers: readonly HttpMiddlewareComponent[]): LiveHttpPipeline {
  const pipeline = new LiveHttpPipeline(silentLogger);
  pipeline.replace(handlers);
  return pipeline;
}

test("runs the first handler outermost", async () => {
  const { headers } = await pipelineOf(letter("a"), letter("b")).run(requestOf(), last);
  expect(headers).toEqual(["X-Path", "/ordersab", "X-By", "b", "X-By", "a"]);
});

test("calls the last one directly when it has no handlers", async () => {
  const pipeline = pipelineOf();
  const request = requestOf();
  let seen: HttpRequest | undefined;
  await pipeline.run(request, async (passed) => {
    seen = passed;
    return answer;
  });
  expect(seen).toBe(request);
  expect(pipeline.isEmpty).toBe(true);
});

test("exchanges handlers while requests are under way, which keep theirs", async () => {
  let arrive: () => void = () => undefined;
  const arrived = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const holding = handlerOf(async (request, next) => {
    arrive();
    await held;
    return next(request);
  });
  const pipeline = pipelineOf(holding, letter("a"));
  const early = pipeline.run(requestOf(), last);
  await arrived;
  pipeline.replace([letter("b")]);
  expect((await pipeline.run(requestOf(), last)).headers).toContain("/ordersb");
  release();
  expect((await early).headers).toContain("/ordersa");
});

test.for([
  ["throws", handlerOf(() => Promise.reject(new Error("broken")))],
  [
    "throws before it returns a promise",
    handlerOf(() => {
      throw new Error("broken");
    }),
  ],
  [
    "passes the request on twice",
    handlerOf(async (request, next) => {
      await next(request);
      return next(request);
    }),
  ],
  ["answers with nothing", handlerOf(async () => undefined as never)],
  ["answers with a status that is none", handlerOf(async () => ({ ...answer, status: 1_000 }))],
  ["answers with half a header", handlerOf(async () => ({ ...answer, headers: ["X-Half"] }))],
  ["answers with text for a body", handlerOf(async () => ({ ...answer, body: "text" as never }))],
] as const)(
  "answers 500 for a handler that %s, and serves the next request",
  async ([, handler]) => {
    const pipeline = pipelineOf(letter("a"), handler);
    const failure = await pipeline.run(requestOf(), last);
    expect(failure.status).toBe(500);
    expect(Buffer.from(failure.body as Uint8Array).toString()).toBe("Internal Server Error\n");
    pipeline.replace([]);
    expect((await pipeline.run(requestOf(), last)).status).toBe(200);
  },
);

test("leaves what the last one throws to the caller", async () => {
  const reason = new Error("connection refused");
  const run = pipelineOf(letter("a")).run(requestOf(), () => Promise.reject(reason));
  await expect(run).rejects.toBe(reason);
});

test("does not answer for a client that has left", async () => {
  const gone = new AbortController();
  gone.abort(new Error("gone"));
  const broken = handlerOf(() => Promise.reject(new Error("broken")));
  const run = pipelineOf(broken).run(requestOf({ signal: gone.signal }), last);
  await expect(run).rejects.toThrow("broken");
});

test("does not pass on a request that was answered", async () => {
  let passOn: Promise<HttpResponse> = Promise.resolve(answer);
  let calls = 0;
  const early = handlerOf(async (request, next) => {
    passOn = new Promise((resolve) => setImmediate(resolve)).then(() => next(request));
    passOn.catch(() => undefined);
    return answer;
  });
  await pipelineOf(early).run(requestOf(), async () => {
    calls += 1;
    return answer;
  });
  await expect(passOn).rejects.toThrow("after the request was answered");
  expect(calls).toBe(0);
});

test("ends a stream that nobody will read", async () => {
  let ended = 0;
  const stream: BodyStream = {
    [Symbol.asyncIterator]: () => ({
      next: async () => ({ done: false, value: Buffer.from("x") }),
      return: async () => {
        ended += 1;
        return { done: true, value: undefined };
      },
    }),
  };
  const streaming: HttpHandler = async () => ({ ...answer, body: stream });
  const throwing = handlerOf(async (request, next) => {
    await next(request);
    throw new Error("broken");
  });
  const replacing = handlerOf(async (request, next) => {
    await next(request);
    return answer;
  });
  await pipelineOf(throwing).run(requestOf(), streaming);
  expect(ended).toBe(1);
  await pipelineOf(replacing).run(requestOf(), streaming);
  expect(ended).toBe(2);
  await pipelineOf(letter("a")).run(requestOf(), streaming);
  expect(ended).toBe(2);
});

test("tells the length of a body that a handler replaced", async () => {
  let length: number | undefined;
  const longer = handlerOf((request, next) => next({ ...request, body: Buffer.from("longer") }));
  await pipelineOf(longer).run(requestOf(), async (passed) => {
    length = passed.bodyLength;
    return answer;
  });
  expect(length).toBe(6);
});

/** Tells whether a promise has settled once everything that is due has run. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  void promise.then(() => {
    settled = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  return settled;
}

test("a handler is unused after its last request, whose body is read to the end", async () => {
  const slow = letter("old");
  const pipeline = pipelineOf(slow, letter("kept"));
  async function* chunks(): AsyncGenerator<Uint8Array> {
    yield Buffer.from("one");
    yield Buffer.from("two");
  }
  const streaming: HttpHandler = async () => ({ ...answer, body: chunks() });
  const first = await pipeline.run(requestOf(), streaming);
  const second = await pipeline.run(requestOf(), streaming);
  pipeline.replace([letter("new")]);
  const unused = pipeline.whenUnused(slow);
  expect(await isSettled(unused)).toBe(false);

  const read: string[] = [];
  for await (const chunk of first.body as BodyStream) read.push(Buffer.from(chunk).toString());
  expect(read).toEqual(["one", "two"]);
  expect(await isSettled(unused)).toBe(false);
  // The other reader gives up.
  for await (const _chunk of second.body as BodyStream) break;
  await unused;
});

test("a client that leaves, a request that fails and a buffered answer hold no handler", async () => {
  const old = letter("old");
  const pipeline = pipelineOf(old);
  const leaving = new AbortController();
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) yield Buffer.from("more");
  }
  await pipeline.run(requestOf({ signal: leaving.signal }), async () => {
    return { ...answer, body: endless() };
  });
  pipeline.replace([]);
  const unused = pipeline.whenUnused(old);
  expect(await isSettled(unused)).toBe(false);
  leaving.abort();
  await unused;

  pipeline.replace([old]);
  await pipeline.run(requestOf(), last);
  await expect(
    pipeline.run(requestOf(), async () => {
      throw new Error("refused");
    }),
  ).rejects.toThrow("refused");
  pipeline.replace([]);
  await pipeline.whenUnused(old);
});
