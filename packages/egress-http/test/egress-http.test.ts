import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { createServer } from "node:net";
import { type BodyStream, headerValue, readBody } from "@outrigger/core";
import { afterEach, expect, test } from "vitest";
import { callOf, httpServer, listen, open, releaseAll, site } from "./servers.ts";

afterEach(releaseAll);

async function seenBy(
  baseOf: (port: number) => string,
  headers: readonly (readonly [string, string])[],
  parts: Parameters<typeof callOf>[0],
): Promise<IncomingMessage> {
  let seen: IncomingMessage | undefined;
  const port = await httpServer((request, response) => {
    seen = request;
    response.end("ok");
  });
  const egress = open({ endpoints: [{ name: "site", baseUrl: baseOf(port), headers }] });
  const answer = await egress.deliver(callOf(parts), site);
  expect(answer.status.code).toBe(200);
  return seen as IncomingMessage;
}

test.each([
  ["", "m", "", "/m"],
  ["/base", "a/b", "x=1", "/base/a/b?x=1"],
  ["/base/", "m", "", "/base//m"],
  ["/base/", "", "", "/base/"],
  ["", "", "", "/"],
  ["?k=1", "m", "", "/?k=1/m"],
])("base %j and method %j with query %j is %j", async (rest, method, query, target) => {
  const seen = await seenBy((port) => `http://127.0.0.1:${port}${rest}`, [], {
    method,
    http: { verb: "GET", query },
  });
  expect(seen.url).toBe(target);
});

test("fixed headers replace the caller's, but not the host, the trace and the framing", async () => {
  const seen = await seenBy(
    (port) => `http://127.0.0.1:${port}`,
    [
      ["x-fixed", "endpoint"],
      ["Content-Type", "text/x"],
      ["Host", "elsewhere"],
      ["traceparent", "fixed"],
      ["Transfer-Encoding", "chunked"],
    ],
    { metadata: ["X-Fixed", "a", "X-Fixed", "b", "X-Own", "c"], contentType: "text/plain" },
  );
  expect(seen.headers["x-fixed"]).toBe("endpoint");
  expect(seen.headers["content-type"]).toBe("text/x");
  expect(seen.headers["x-own"]).toBe("c");
  expect(seen.headers.host).toMatch(/^127\.0\.0\.1:/);
  expect(seen.headers.traceparent).toMatch(/^00-(?!0{32})[0-9a-f]{32}-/);
  expect(seen.headers["transfer-encoding"]).toBeUndefined();
});

test("the sidecars' token does not leave, the caller's credentials do", async () => {
  const seen = await seenBy((port) => `http://127.0.0.1:${port}`, [], {
    metadata: ["Dapr-Api-Token", "secret", "Authorization", "Bearer x", "Expect", "100-continue"],
  });
  expect(seen.headers["dapr-api-token"]).toBeUndefined();
  expect(seen.headers.expect).toBe("100-continue");
  expect(seen.headers.authorization).toBe("Bearer x");
});

test("header bytes arrive as they are, in both directions", async () => {
  const port = await listen(
    createServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", (data) => {
        const value = /X-Bytes: ([^\r]*)/.exec(data.toString("latin1"))?.[1] ?? "";
        const head = `HTTP/1.1 200 OK\r\nX-Bytes: ${value}\r\nContent-Length: 0\r\n\r\n`;
        socket.end(Buffer.from(head, "latin1"));
      });
    }),
  );
  const call = callOf({ metadata: ["X-Bytes", "\xff\xe9"] });
  const url = { kind: "url", url: `http://127.0.0.1:${port}` } as const;
  const answer = await open().deliver(call, url);
  expect(headerValue(answer.headers, "x-bytes")).toBe("\xff\xe9");
});

test("redirects and compressed answers are returned as they are", async () => {
  const port = await httpServer((_request, response) => {
    response.writeHead(302, { location: "/end", "content-encoding": "gzip" });
    response.end("raw");
  });
  const url = { kind: "url", url: `http://127.0.0.1:${port}/base` } as const;
  const answer = await open().deliver(callOf(), url);
  expect(answer.status.code).toBe(302);
  expect(headerValue(answer.headers, "location")).toBe("/end");
  expect(Buffer.from(await readBody(answer.body, 10)).toString()).toBe("raw");
});

test("bodies stream in both directions at once", async () => {
  const port = await httpServer((request, response) => void request.pipe(response));
  let release = (): void => undefined;
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  async function* upload(): AsyncGenerator<Uint8Array> {
    yield Buffer.from("first");
    await gate;
    yield Buffer.from("second");
  }
  const call = callOf({
    http: { verb: "POST", query: "" },
    body: upload(),
    bodyLength: undefined,
  });
  const url = { kind: "url", url: `http://127.0.0.1:${port}` } as const;
  const answer = await open().deliver(call, url);
  const chunks = (answer.body as BodyStream)[Symbol.asyncIterator]();
  expect(Buffer.from((await chunks.next()).value ?? "").toString()).toBe("first");
  release();
  expect(Buffer.from((await chunks.next()).value ?? "").toString()).toBe("second");
  expect((await chunks.next()).done).toBe(true);
});

test("a reader that waits holds the server back", async () => {
  let sent = 0;
  let blocked: (() => void) | undefined;
  const stalled = new Promise<void>((resolve) => {
    blocked = resolve;
  });
  const port = await httpServer((_request, response) => {
    const more = (): void => {
      while (sent < 64_000_000) {
        sent += 65_536;
        if (!response.write(Buffer.alloc(65_536))) break;
      }
      // Nothing drains within the time in which everything would have passed.
      const timer = setTimeout(() => blocked?.(), 500);
      response.once("drain", () => {
        clearTimeout(timer);
        more();
      });
    };
    more();
  });
  const url = { kind: "url", url: `http://127.0.0.1:${port}` } as const;
  const answer = await open().deliver(callOf(), url);
  await stalled;
  expect(sent).toBeLessThan(32_000_000);
  await (answer.body as BodyStream)[Symbol.asyncIterator]().return?.();
});

test("a caller that leaves ends the server's request", async () => {
  const caller = new AbortController();
  let closed: Promise<unknown> = Promise.resolve();
  const port = await httpServer((_request, response) => {
    closed = once(response, "close");
    caller.abort();
  });
  const url = { kind: "url", url: `http://127.0.0.1:${port}` } as const;
  const call = open().deliver(callOf({ signal: caller.signal }), url);
  await expect(call).rejects.toMatchObject({ code: "OTR_ABORTED" });
  await closed;
});

test("an answer that breaks off fails the read", async () => {
  const port = await httpServer((_request, response) => {
    response.write("half");
    setImmediate(() => setImmediate(() => response.destroy()));
  });
  const url = { kind: "url", url: `http://127.0.0.1:${port}` } as const;
  const read = open()
    .deliver(callOf(), url)
    .then(({ body }) => readBody(body, 100));
  await expect(read).rejects.toThrow();
});

test("a server that nobody reaches is told in the words that tools know", async () => {
  const url = { kind: "url", url: "http://127.0.0.1:1" } as const;
  await expect(open().deliver(callOf(), url)).rejects.toMatchObject({
    code: "OTR_EXTERNAL_UNREACHABLE",
    message: 'Get "http://127.0.0.1:1/m": dial tcp 127.0.0.1:1: connect: connection refused',
  });
});

test("one unusable endpoint leaves the others alone", async () => {
  const port = await httpServer((_request, response) => void response.end("ok"));
  const egress = open({
    endpoints: [
      { name: "site", baseUrl: "ftp://host" },
      { name: "broken", baseUrl: "http://127.0.0.1:1", headers: [["X-Key", "a\nb"]] },
      { name: "works", baseUrl: `http://127.0.0.1:${port}` },
    ],
  });
  const works = await egress.deliver(callOf(), { kind: "endpoint", name: "works" });
  expect(works.status.code).toBe(200);
  await expect(egress.deliver(callOf(), site)).rejects.toThrow(/HTTPEndpoint site is unusable/);
  const broken = egress.deliver(callOf(), { kind: "endpoint", name: "broken" });
  await expect(broken).rejects.toThrow(/headers\[0\] \(X-Key\)/);
});

test("URL servers beyond the limit are forgotten and can be called again", async () => {
  const egress = open({ maxUrlOrigins: 1 });
  const ports = [
    await httpServer((_request, response) => void response.end("a")),
    await httpServer((_request, response) => void response.end("b")),
  ];
  for (const port of [...ports, ...ports]) {
    const url = { kind: "url", url: `http://127.0.0.1:${port}` } as const;
    expect((await egress.deliver(callOf(), url)).status.code).toBe(200);
  }
});

test("calls after the stop are refused", async () => {
  const egress = open();
  await egress.stop?.();
  const call = egress.deliver(callOf(), { kind: "url", url: "http://127.0.0.1:1" });
  await expect(call).rejects.toMatchObject({ code: "OTR_STOPPED" });
});
