import {
  type HttpMiddlewareComponent,
  type HttpRequest,
  type HttpResponse,
  type LogLevel,
  silentLogger,
} from "@outrigger/core";
import {
  type MiddlewareFaultInjectionOptions,
  middleware,
  middlewareFaultInjection,
  optionsFromMetadata,
} from "@outrigger/middleware-fault-injection";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

const answer: HttpResponse = { status: 200, headers: [], body: Buffer.from("answer") };
const lines: [LogLevel, string][] = [];

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  lines.length = 0;
});

function make(
  options: MiddlewareFaultInjectionOptions,
  random: () => number = () => 0.5,
): HttpMiddlewareComponent {
  return middlewareFaultInjection(options)({
    appId: "orders",
    namespace: "default",
    log: { ...silentLogger, log: (level, message) => void lines.push([level, message]) },
    now: Date.now,
    random,
  });
}

function requestOf(fields: Partial<HttpRequest> = {}): HttpRequest {
  const { signal } = new AbortController();
  const base = { method: "POST", path: "/orders", query: "", headers: [], bodyLength: 3 };
  return { ...base, body: Buffer.from("abc"), signal, ...fields };
}

/** Numbers in [0, 1) from a seed (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

async function statuses(component: HttpMiddlewareComponent, count: number): Promise<number[]> {
  const found: number[] = [];
  for (let index = 0; index < count; index++) {
    found.push((await component.handle(requestOf(), async () => answer)).status);
  }
  return found;
}

describe("aborts", () => {
  test.for([
    [0, 0],
    [10, 102],
    [50, 496],
    [100, 1_000],
  ] as const)(
    "%s % are about %s of 1000, the same ones for a seed",
    async ([percentage, about]) => {
      const abort = { percentage, httpStatus: 503 };
      const first = await statuses(make({ abort }, seeded(7)), 1_000);
      expect(await statuses(make({ abort }, seeded(7)), 1_000)).toEqual(first);
      const aborted = first.filter((status) => status === 503).length;
      expect(Math.abs(aborted - about)).toBeLessThanOrEqual(percentage % 100 === 0 ? 0 : 40);
    },
  );

  test("are told from those of the app, and leave the app alone", async () => {
    let reached = false;
    const { handle } = bound(make({ abort: { percentage: 100, httpStatus: 418 } }));
    const response = await handle(requestOf(), async () => {
      reached = true;
      return answer;
    });
    expect(response.status).toBe(418);
    expect(response.headers).toContain("X-Outrigger-Fault");
    expect(Buffer.from(response.body as Uint8Array).toString()).toBe("fault injected\n");
    expect(reached).toBe(false);
  });

  test("have no body where the status has none", async () => {
    const { handle } = bound(make({ abort: { percentage: 100, httpStatus: 204 } }));
    const { body, headers } = await handle(requestOf(), async () => answer);
    expect((body as Uint8Array).length).toBe(0);
    expect(headers).not.toContain("Content-Type");
  });
});

describe("delays", () => {
  const delay = { percentage: 100, durationMs: 5_000 };

  test("hold a request up for their time, and not longer", async () => {
    const passed = vi.fn(async () => answer);
    const running = make({ delay }).handle(requestOf(), passed);
    await vi.advanceTimersByTimeAsync(4_999);
    expect(passed).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    expect((await running).status).toBe(200);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("come before an abort", async () => {
    const running = make({ delay, abort: { percentage: 100, httpStatus: 503 } }).handle(
      requestOf(),
      async () => answer,
    );
    let over = false;
    void running.then(() => {
      over = true;
    });
    await vi.advanceTimersByTimeAsync(4_999);
    expect(over).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect((await running).status).toBe(503);
  });

  test("end when the client leaves, and the app hears nothing", async () => {
    const client = new AbortController();
    const passed = vi.fn(async () => answer);
    const running = make({ delay }).handle(requestOf({ signal: client.signal }), passed);
    client.abort(new Error("gone"));
    await expect(running).rejects.toThrow();
    expect(passed).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });

  test("end when the middleware is stopped, and the request goes on", async () => {
    const component = make({ delay });
    const running = component.handle(requestOf(), async () => answer);
    await component.stop?.();
    expect((await running).status).toBe(200);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("hold up so many at once, and further ones not at all", async () => {
    const component = make({ delay, maxDelayed: 2 });
    const held = [1, 2].map(() => component.handle(requestOf(), async () => answer));
    expect((await component.handle(requestOf(), async () => answer)).status).toBe(200);
    expect(vi.getTimerCount()).toBe(2);
    await vi.advanceTimersByTimeAsync(5_000);
    await Promise.all(held);
  });
});

describe("headers", () => {
  const abort = { percentage: 100, httpStatus: 503 };

  test.for([
    [{ "X-Try": "faults" }, ["x-try", "faults"], 503],
    [{ "x-try": "faults" }, ["X-Try", "other"], 200],
    [{ "x-try": "faults" }, [], 200],
    [{ "x-try": "*" }, ["X-Try", "anything"], 503],
    [{ "x-try": "*" }, [], 200],
    [{ "x-a": "1", "x-b": "2" }, ["x-a", "1"], 200],
    [{ "x-a": "1", "x-b": "2" }, ["x-b", "2", "x-a", "1"], 503],
  ] as const)("%o on %o: %s", async ([headers, sent, status]) => {
    const { handle } = bound(make({ abort, headers }));
    const response = await handle(requestOf({ headers: sent }), async () => answer);
    expect(response.status).toBe(status);
  });
});

test("says in the log that the faults are on purpose, once", async () => {
  const component = make({
    delay: { percentage: 5, durationMs: 10 },
    abort: { percentage: 1, httpStatus: 500 },
    headers: { "x-try": "*" },
  });
  await component.start?.(AbortSignal.timeout(1_000));
  await component.start?.(AbortSignal.timeout(1_000));
  expect(lines).toEqual([
    [
      "warn",
      "middleware-fault-injection: delays 5 % of requests by 10 ms and answers 1 % of requests with 500, of those with x-try, on purpose",
    ],
  ]);
});

describe("settings of a Component", () => {
  test("are read from text", () => {
    expect(middleware).toBe(middlewareFaultInjection);
    expect(optionsFromMetadata({})).toEqual({});
    expect(
      optionsFromMetadata({
        DelayPercentage: "12.5",
        delayDuration: "1.5s",
        abortPercentage: "1",
        abortHttpStatus: "503",
        headers: '{"x-try":"yes"}',
        maxDelayed: "5",
      }),
    ).toEqual({
      delay: { percentage: 12.5, durationMs: 1_500 },
      abort: { percentage: 1, httpStatus: 503 },
      headers: { "x-try": "yes" },
      maxDelayed: 5,
    });
  });

  test.for([
    [{ delayDuration: "1s" }, "delayDuration needs delayPercentage"],
    [{ abortPercentage: "1" }, "abortPercentage needs abortHttpStatus"],
    [{ delayPercentage: "1", delayDuration: "soon" }, "delayDuration must be a duration"],
    [{ abortPercentage: "all", abortHttpStatus: "500" }, "abortPercentage must be a number"],
    [{ headers: "x-try" }, "headers must be JSON"],
    [{ headers: "[1]" }, "headers must be JSON"],
    [{ percentage: "1" }, "percentage is unknown"],
  ] as const)("are refused: %o", ([metadata, message]) => {
    expect(() => optionsFromMetadata({ ...metadata })).toThrow(message);
  });

  test("are bounded as the options are", () => {
    const options = optionsFromMetadata({ delayPercentage: "1", delayDuration: "6m" });
    expect(() => middlewareFaultInjection(options)).toThrow(
      "delay.durationMs: must be a number from 0 to 300000",
    );
  });
});

/** `handle` by itself. */
function bound(component: HttpMiddlewareComponent): Pick<HttpMiddlewareComponent, "handle"> {
  return { handle: (request, next) => component.handle(request, next) };
}
