import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { readBody } from "@outrigger/core";
import { afterEach, expect, test } from "vitest";
import { appAnswer, exchange, get, type RunningIngress, startIngress } from "./ingress.ts";

const running: RunningIngress[] = [];
afterEach(async () => {
  for (const { ingress } of running.splice(0)) await ingress.stop?.();
});

const limit = 1_000;

/** An app that reads what it is sent. */
async function start(): Promise<RunningIngress> {
  const started = await startIngress({ maxBodyBytes: limit, inlineBodyBytes: 500 });
  running.push(started);
  started.sidecar.answer = async ({ body }) =>
    appAnswer({ body: Buffer.from(`${(await readBody(body, 1_000_000)).length} bytes`) });
  return started;
}

const path = "/v1.0/invoke/callee/method/m";
const head = `POST ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n`;

function fixed(port: number, length: number): Promise<string> {
  return exchange(port, `${head}Content-Length: ${length}\r\n\r\n${"a".repeat(length)}`);
}

function chunked(port: number, length: number): Promise<string> {
  const chunks = `${length.toString(16)}\r\n${"a".repeat(length)}\r\n0\r\n\r\n`;
  return exchange(port, `${head}Transfer-Encoding: chunked\r\n\r\n${chunks}`);
}

function bytewise(port: number, length: number): Promise<string> {
  const chunks = `${"1\r\na\r\n".repeat(length)}0\r\n\r\n`;
  return exchange(port, `${head}Transfer-Encoding: chunked\r\n\r\n${chunks}`);
}

function expecting(port: number, length: number): Promise<string> {
  const text = `${head}Expect: 100-continue\r\nContent-Length: ${length}\r\n\r\n`;
  return exchange(port, text + "a".repeat(length));
}

async function overHttp2(port: number, length: number, headers = {}): Promise<string> {
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  session.on("error", () => undefined);
  const stream = session.request({ ":method": "POST", ":path": path, ...headers });
  stream.on("error", () => undefined);
  stream.end(Buffer.alloc(length, "a"));
  let text = "";
  stream.on("response", (answer) => {
    text = `HTTP/1.1 ${answer[":status"]} over 2\r\n`;
  });
  stream.on("data", (bytes: Buffer) => {
    text += bytes.toString();
  });
  await once(stream, "close");
  session.destroy();
  return text;
}

/** Dapr's answer is 500, not 413. */
test.each([
  ["a declared length", fixed],
  ["one chunk", chunked],
  ["a chunk for each byte", bytewise],
  ["a length that waits for 100", expecting],
  ["HTTP/2 without length", overHttp2],
  [
    "HTTP/2 with a length",
    (port: number, length: number) => overHttp2(port, length, { "content-length": length }),
  ],
])("the limit holds for %s", async (_name, send) => {
  const { port } = await start();
  const exact = await send(port, limit);
  expect(exact).toMatch(/HTTP\/1\.1 200 /);
  expect(exact).toContain(`${limit} bytes`);
  for (const length of [limit + 1, limit * 100]) {
    const answer = await send(port, length);
    expect(answer).toMatch(/HTTP\/1\.1 500 /);
    expect(answer).toContain('"errorCode":"ERR_DIRECT_INVOKE"');
    expect(answer).toContain("stream too large");
  }
  expect(await get(port, path)).toMatch(/ 200 OK/);
});

test("a body without end is cut off some time after its refusal", async () => {
  const { port } = await start();
  const socket = connect(port, "127.0.0.1");
  const closed = new Promise<void>((resolve) => {
    // Whether the end is a reset depends on what is still under way.
    socket.on("error", () => undefined);
    socket.once("close", () => resolve());
  });
  let answer = "";
  socket.on("data", (bytes: Buffer) => {
    answer += bytes.toString("latin1");
  });
  socket.write(`POST ${path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n`);
  const chunk = Buffer.from(`100000\r\n${"a".repeat(0x100000)}\r\n`);
  for (let count = 0; count < 200 && !socket.destroyed; count += 1) {
    await new Promise((resolve) => socket.write(chunk, resolve));
  }
  await closed;
  expect(answer).toMatch(/^HTTP\/1\.1 500 /);
  expect(await get(port, path)).toMatch(/ 200 OK/);
});

test("a small body in single bytes arrives whole", async () => {
  const { port } = await start();
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  const stream = session.request({ ":method": "POST", ":path": path, "content-length": 300 });
  for (let count = 0; count < 300; count += 1) stream.write("a");
  stream.end();
  let text = "";
  for await (const bytes of stream) text += String(bytes);
  expect(text).toBe("300 bytes");
  session.destroy();
});
