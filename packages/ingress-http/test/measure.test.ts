import type { IngressHttpOptions, RequestListener } from "@outrigger/ingress-http";
import { afterEach, expect, test } from "vitest";
import { appAnswer, exchange, get, type RunningIngress, startIngress } from "./ingress.ts";

let running: RunningIngress | undefined;

afterEach(async () => {
  await running?.ingress.stop?.();
  running = undefined;
});

interface Heard {
  readonly requests: string[];
  readonly codes: string[];
}

async function start(options: IngressHttpOptions = {}): Promise<RunningIngress & Heard> {
  const requests: string[] = [];
  const codes: string[] = [];
  const onRequest: RequestListener = (method, path, status, received, sent, ms) => {
    expect(ms).toBeGreaterThanOrEqual(0);
    requests.push(`${method} ${path} ${status} ${received} ${sent}`);
  };
  const onErrorCode = (code: string): number => codes.push(code);
  running = await startIngress({ onRequest, onErrorCode, ...options });
  return { ...running, requests, codes };
}

test("tells verb, decoded path, status and sizes of each request", async () => {
  const { port, requests, codes } = await start();
  await get(port, "/v1.0/invoke/orders/method/a%20b%C3%A9?x=1");
  const head = "POST /v1.0/invoke/orders/method/m HTTP/1.0\r\nContent-Length: 3\r\n\r\n";
  await exchange(port, `${head}abc`);
  await get(port, "/v1.0/healthz");
  expect(requests).toEqual([
    "GET /v1.0/invoke/orders/method/a b\u00e9 200 0 2",
    "POST /v1.0/invoke/orders/method/m 200 3 2",
    "GET /v1.0/healthz 204 0 0",
  ]);
  expect(codes).toEqual([]);
});

test("a streamed answer is told when it has ended, with all of its bytes", async () => {
  const { port, sidecar, requests } = await start();
  let ready = 0;
  async function* body(): AsyncGenerator<Uint8Array> {
    yield Buffer.from("abc");
    ready = requests.length;
    yield Buffer.from("defg");
  }
  sidecar.answer = async () => appAnswer({ body: body() });
  await get(port, "/v1.0/invoke/orders/method/m");
  expect(ready).toBe(0);
  expect(requests).toEqual(["GET /v1.0/invoke/orders/method/m 200 0 7"]);
});

test("what a guard refuses is told as well, what tracing refuses is not", async () => {
  const refuses = { status: 401, headers: [], body: Buffer.from("no") };
  const { port, requests } = await start({
    traceContext: true,
    guards: [() => async () => refuses],
  });
  await get(port, "/v1.0/invoke/orders/method/m");
  await get(port, "/v1.0/invoke/orders/method/m", ["baggage: ,=broken"]);
  expect(requests).toEqual(["GET /v1.0/invoke/orders/method/m 401 0 2"]);
});

test("tells the code of every error answer once", async () => {
  const { port, sidecar, codes } = await start();
  sidecar.answer = async () => {
    throw new Error("away");
  };
  await get(port, "/v1.0/invoke/orders/method/m");
  await get(port, "/v1.0/workflow/x");
  expect(codes).toEqual(["ERR_DIRECT_INVOKE", "ERR_DIRECT_INVOKE"]);
  sidecar.unready = ["app"];
  await get(port, "/v1.0/healthz");
  expect(codes.at(-1)).toBe("ERR_HEALTH_NOT_READY");
});

test.each([
  [404, "Content-Length: 0", 1],
  [302, "Content-Length: 0", 0],
  [500, "Transfer-Encoding: chunked", 0],
])("an app's own %d to a request with %s counts %d times", async (code, header, expected) => {
  const { port, sidecar, codes } = await start();
  sidecar.answer = async () => appAnswer({ status: { code, message: "", details: [] } });
  const head = `POST /v1.0/invoke/orders/method/m HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${header}`;
  await exchange(port, `${head}\r\n\r\n${header.startsWith("T") ? "0\r\n\r\n" : ""}`);
  expect(codes).toHaveLength(expected);
});
