import { once } from "node:events";
import { createServer as createHttpServer, type ServerResponse } from "node:http";
import { createServer, type Socket } from "node:net";
import { readBody } from "@outrigger/core";
import { afterEach, expect, test } from "vitest";
import { callOf, httpServer, listen, open, releaseAll } from "./servers.ts";

afterEach(releaseAll);

function urlAt(port: number, user = ""): { readonly kind: "url"; readonly url: string } {
  return { kind: "url", url: `http://${user}127.0.0.1:${port}` };
}

/** A server that writes what `answer` says to the n-th request of the n-th connection. */
async function rawServer(
  answer: (socket: Socket, connection: number, request: number) => void,
): Promise<{ readonly port: number; readonly requests: string[] }> {
  const requests: string[] = [];
  let connections = 0;
  const port = await listen(
    createServer((socket) => {
      const connection = ++connections;
      let count = 0;
      socket.on("error", () => undefined);
      socket.on("data", (data) => {
        requests.push(data.toString("latin1"));
        answer(socket, connection, ++count);
      });
    }),
  );
  return { port, requests };
}

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

test("nothing on the wire but what Dapr sends", async () => {
  const { port, requests } = await rawServer((socket) => socket.write(ok));
  const egress = open({ traceContext: false });
  await egress.deliver(callOf({ metadata: ["User-Agent", "me"] }), urlAt(port));
  expect(requests[0]).toBe(`GET /m HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUser-Agent: me\r\n\r\n`);
});

test("a handshake that stalls ends with the time for connecting", async () => {
  const port = await listen(createServer((socket) => socket.on("error", () => undefined)));
  const egress = open({ connectTimeoutMs: 50 });
  const call = egress.deliver(callOf(), { kind: "url", url: `https://127.0.0.1:${port}` });
  await expect(call).rejects.toMatchObject({
    code: "OTR_EXTERNAL_UNREACHABLE",
    message: `Get "https://127.0.0.1:${port}/m": dial tcp 127.0.0.1:${port}: i/o timeout`,
  });
});

test("an unused connection is closed after the idle time, one in use is not", async () => {
  const closed: Promise<unknown>[] = [];
  const server = createHttpServer((_request, response) => {
    // Longer than the idle time.
    setTimeout(() => response.end("late"), 120);
  });
  server.keepAliveTimeout = 0;
  server.on("connection", (socket: Socket) => closed.push(once(socket, "close")));
  const port = await listen(server);
  const answer = await open({ idleTimeoutMs: 40 }).deliver(callOf(), urlAt(port));
  expect(Buffer.from(await readBody(answer.body, 10)).toString()).toBe("late");
  await Promise.all(closed);
  expect(closed).toHaveLength(1);
});

test("calls beyond the connections wait, can be given up, and reuse the connection", async () => {
  const held: ServerResponse[] = [];
  let connections = 0;
  let tellArrived: (() => void) | undefined;
  const arrived = new Promise<void>((resolve) => {
    tellArrived = resolve;
  });
  const server = createHttpServer((request, response) => {
    if (request.url !== "/held") response.end("ok");
    else {
      held.push(response);
      tellArrived?.();
    }
  });
  server.on("connection", () => {
    connections += 1;
  });
  const port = await listen(server);
  const egress = open({ maxConnections: 1 });
  const first = egress.deliver(callOf({ method: "held" }), urlAt(port));
  await arrived;
  const caller = new AbortController();
  const second = egress.deliver(callOf({ signal: caller.signal }), urlAt(port));
  const third = egress.deliver(callOf(), urlAt(port));
  caller.abort();
  await expect(second).rejects.toMatchObject({ code: "OTR_ABORTED" });
  held[0]?.end("done");
  expect((await first).status.code).toBe(200);
  expect((await third).status.code).toBe(200);
  expect(connections).toBe(1);
});

test("a kept connection that is gone is replaced for what is safe to repeat", async () => {
  const { port, requests } = await rawServer((socket, connection, request) => {
    if (connection === 1 && request === 2) socket.end();
    else socket.write(ok);
  });
  const egress = open();
  await egress.deliver(callOf(), urlAt(port));
  expect((await egress.deliver(callOf(), urlAt(port))).status.code).toBe(200);
  expect(requests).toHaveLength(3);
});

test.each([
  ["a POST", "POST", ""],
  ["one that was being answered", "GET", "HTTP/1.1 2"],
])("%s is not sent again", async (_name, verb, part) => {
  const { port, requests } = await rawServer((socket, _connection, request) => {
    if (request === 2) socket.end(part);
    else socket.write(ok);
  });
  const egress = open();
  await egress.deliver(callOf(), urlAt(port));
  const http = { verb, query: "" };
  const call = egress.deliver(callOf({ http, body: Buffer.from("x"), bodyLength: 1 }), urlAt(port));
  await expect(call).rejects.toMatchObject({ code: "OTR_EXTERNAL_FAILED" });
  expect(requests).toHaveLength(2);
});

test("a server that does not read holds the upload back, and a caller that leaves ends it", async () => {
  const port = await listen(
    createServer({ pauseOnConnect: true }, (socket) => socket.on("error", () => undefined)),
  );
  let sent = 0;
  let tellStalled: (() => void) | undefined;
  const stalled = new Promise<void>((resolve) => {
    tellStalled = resolve;
  });
  let tellReleased: (() => void) | undefined;
  const released = new Promise<void>((resolve) => {
    tellReleased = resolve;
  });
  async function* upload(): AsyncGenerator<Uint8Array> {
    try {
      for (; sent < 64_000_000; sent += 65_536) {
        // Nothing is asked for within the time in which everything would have passed.
        const timer = setTimeout(() => tellStalled?.(), 400);
        yield Buffer.alloc(65_536);
        clearTimeout(timer);
      }
    } finally {
      tellReleased?.();
    }
  }
  const caller = new AbortController();
  const http = { verb: "POST", query: "" };
  const parts = { http, body: upload(), bodyLength: undefined, signal: caller.signal };
  const call = open().deliver(callOf(parts), urlAt(port));
  await Promise.race([stalled, call]);
  expect(sent).toBeLessThan(32_000_000);
  caller.abort();
  await expect(call).rejects.toMatchObject({ code: "OTR_ABORTED" });
  await released;
});

test("an upload that is answered early is given up with its connection", async () => {
  const { port } = await rawServer((socket, _connection, request) => {
    if (request === 1) socket.write(ok);
  });
  let tellReleased: (() => void) | undefined;
  const released = new Promise<void>((resolve) => {
    tellReleased = resolve;
  });
  let isFirst = true;
  const body: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => ({
      next: () => {
        if (!isFirst) return new Promise(() => undefined);
        isFirst = false;
        return Promise.resolve({ done: false, value: Buffer.from("part") });
      },
      return: async () => {
        tellReleased?.();
        return { done: true, value: undefined };
      },
    }),
  };
  const http = { verb: "POST", query: "" };
  const answer = await open().deliver(callOf({ http, body, bodyLength: undefined }), urlAt(port));
  expect(answer.status.code).toBe(200);
  await released;
});

test("an upload of another length than declared fails", async () => {
  const port = await httpServer((request, response) => void request.pipe(response));
  async function* upload(): AsyncGenerator<Uint8Array> {
    yield Buffer.from("four");
  }
  for (const bodyLength of [3, 5]) {
    const call = callOf({ http: { verb: "POST", query: "" }, body: upload(), bodyLength });
    const read = open()
      .deliver(call, urlAt(port))
      .then(({ body }) => readBody(body, 100));
    await expect(read).rejects.toThrow();
  }
});

test.each([
  ["us%40er:pa:s%20s@", [], `Basic ${Buffer.from("us@er:pa:s s").toString("base64")}`],
  ["user@", [], `Basic ${Buffer.from("user:").toString("base64")}`],
  ["user:key@", ["Authorization", "Bearer own"], "Bearer own"],
])("user %j with headers %j is %j", async (user, metadata, expected) => {
  let seen: string | undefined;
  const port = await httpServer((request, response) => {
    seen = request.headers.authorization;
    response.end();
  });
  await open().deliver(callOf({ metadata }), urlAt(port, user));
  expect(seen).toBe(expected);
});

test("error texts keep the password to themselves", async () => {
  const refused = open().deliver(callOf(), urlAt(1, "user:hidden@"));
  await expect(refused).rejects.toThrow(/^(?!.*hidden).*connection refused/);
  const invalid = open().deliver(callOf(), { kind: "url", url: "http://user:hidden@" });
  await expect(invalid).rejects.toThrow(/^(?!.*hidden)/);
});

test("heads of answers are bounded, and what is no answer fails", async () => {
  const { port } = await rawServer((socket) =>
    socket.end(`HTTP/1.1 200 OK\r\nX: ${"x".repeat(5_000)}\r\n\r\n`),
  );
  const call = open({ maxResponseHeaderBytes: 1_000 }).deliver(callOf(), urlAt(port));
  await expect(call).rejects.toThrow(/server response headers exceeded/);
  const garbage = await rawServer((socket) => socket.end("nonsense\r\n\r\n"));
  await expect(open().deliver(callOf(), urlAt(garbage.port))).rejects.toThrow(/malformed HTTP/);
});

test("the stop ends calls that run and calls that wait", async () => {
  let tellArrived: (() => void) | undefined;
  const arrived = new Promise<void>((resolve) => {
    tellArrived = resolve;
  });
  const port = await httpServer(() => tellArrived?.());
  const egress = open({ maxConnections: 1 });
  const calls = [1, 2].map(() => egress.deliver(callOf(), urlAt(port)));
  const results = Promise.allSettled(calls);
  await arrived;
  await egress.stop?.();
  for (const result of await results) {
    expect(result).toMatchObject({ status: "rejected", reason: { code: "OTR_STOPPED" } });
  }
});
