import { type HttpRequest, type HttpResponse, headerValue, silentLogger } from "@outrigger/core";
import {
  type MiddlewareRateLimitOptions,
  middlewareRateLimit,
  optionsFromMetadata,
} from "@outrigger/middleware-rate-limit";
import { expect, test } from "vitest";

function requestOf(fields: Partial<HttpRequest> = {}): HttpRequest {
  const { signal } = new AbortController();
  const body = Buffer.from("abc");
  const base = { method: "POST", path: "/orders", query: "", headers: [], bodyLength: 3 };
  return { ...base, body, signal, ...fields };
}

/** A limit on a clock that the test moves. */
class Limited {
  nowMs = 1_000_000;
  readonly #handle: (request: HttpRequest) => Promise<HttpResponse>;

  constructor(options: MiddlewareRateLimitOptions) {
    const component = middlewareRateLimit(options)({
      appId: "orders",
      namespace: "default",
      log: silentLogger,
      now: () => this.nowMs,
      random: Math.random,
    });
    this.#handle = (request) =>
      component.handle(request, async () => ({ status: 200, headers: [], body: request.body }));
  }

  send(fields: Partial<HttpRequest> = {}): Promise<HttpResponse> {
    return this.#handle(requestOf({ remoteAddress: "10.0.0.1", ...fields }));
  }

  async status(fields: Partial<HttpRequest> = {}): Promise<number> {
    return (await this.send(fields)).status;
  }
}

test("lets a burst of the limit pass, then one request as often as the limit says", async () => {
  const limited = new Limited({ maxRequestsPerSecond: 2 });
  expect([await limited.status(), await limited.status(), await limited.status()]).toEqual([
    200, 200, 429,
  ]);
  limited.nowMs += 499;
  expect(await limited.status()).toBe(429);
  limited.nowMs += 1;
  expect([await limited.status(), await limited.status()]).toEqual([200, 429]);
  limited.nowMs += 60_000;
  expect([await limited.status(), await limited.status(), await limited.status()]).toEqual([
    200, 200, 429,
  ]);
});

test("lets one request pass in ten seconds for a limit of 0.1, and heeds no clock that goes back", async () => {
  const limited = new Limited({ maxRequestsPerSecond: 0.1 });
  expect([await limited.status(), await limited.status()]).toEqual([200, 429]);
  limited.nowMs -= 60_000;
  expect(await limited.status()).toBe(429);
  limited.nowMs += 10_000;
  expect(await limited.status()).toBe(200);
});

test("limits each client and path for itself", async () => {
  const limited = new Limited({ maxRequestsPerSecond: 1 });
  expect(await limited.status()).toBe(200);
  expect(await limited.status({ path: "/other" })).toBe(200);
  expect(await limited.status({ remoteAddress: "10.0.0.2" })).toBe(200);
  expect(await limited.status({ remoteAddress: "::ffff:10.0.0.2" })).toBe(429);
  expect(await limited.status({ remoteAddress: "2001:db8::1" })).toBe(200);
  expect(await limited.status({ remoteAddress: "2001:0db8:0:0:ffff::2" })).toBe(429);
  expect(await limited.status({ remoteAddress: "2001:db8:0:1::1" })).toBe(200);
  expect(await limited.status({ remoteAddress: undefined })).toBe(200);
  expect(await limited.status({ remoteAddress: undefined })).toBe(429);
});

test("believes what proxies say about the client, unless told otherwise", async () => {
  const forwarded = { headers: ["X-Forwarded-For", "1.1.1.1, 2.2.2.2"] };
  const believing = new Limited({ maxRequestsPerSecond: 1 });
  expect(await believing.status(forwarded)).toBe(200);
  expect(await believing.status({ headers: ["X-Real-IP", "2.2.2.2"] })).toBe(429);
  expect(await believing.status()).toBe(200);
  const doubting = new Limited({ maxRequestsPerSecond: 1, trustForwardedHeaders: false });
  expect([await doubting.status(forwarded), await doubting.status()]).toEqual([200, 429]);
});

test("tells the limit in the headers of every answer", async () => {
  const limited = new Limited({ maxRequestsPerSecond: 1.5 });
  const headers = ["X-Forwarded-For", "1.1.1.1"];
  const passed = await limited.send({ headers });
  expect(headerValue(passed.headers, "x-rate-limit-limit")).toBe("1.50");
  expect(headerValue(passed.headers, "x-rate-limit-duration")).toBe("1");
  expect(headerValue(passed.headers, "x-rate-limit-request-remote-addr")).toBe("10.0.0.1");
  expect(headerValue(passed.headers, "x-rate-limit-request-forwarded-for")).toBe("1.1.1.1");
  expect(headerValue(passed.headers, "ratelimit-limit")).toBe("2");
  const refused = await limited.send({ headers });
  expect(refused.status).toBe(429);
  expect(headerValue(refused.headers, "ratelimit-remaining")).toBe("0");
  expect(Buffer.from(refused.body as Uint8Array).toString()).toBe(
    "You have reached maximum request limit.",
  );
});

test("remembers a bounded number of clients", async () => {
  const limited = new Limited({ maxRequestsPerSecond: 1, maxClients: 2 });
  for (const address of ["10.0.0.1", "10.0.0.2", "10.0.0.3"]) {
    expect(await limited.status({ remoteAddress: address })).toBe(200);
  }
  expect(await limited.status({ remoteAddress: "10.0.0.3" })).toBe(429);
  expect(await limited.status({ remoteAddress: "10.0.0.1" })).toBe(200);
});

test("reads settings as Dapr does", () => {
  expect(optionsFromMetadata({})).toEqual({});
  expect(optionsFromMetadata({ MaxRequestsPerSecond: "2.5" })).toEqual({
    maxRequestsPerSecond: 2.5,
  });
  for (const text of ["0", "-1", "many", ""]) {
    expect(() => optionsFromMetadata({ maxRequestsPerSecond: text })).toThrow("positive value");
  }
});
