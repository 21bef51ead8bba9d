import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import { afterEach, expect, test } from "vitest";
import { appAnswer, exchange, get, type RunningIngress, startIngress } from "./ingress.ts";

const running: RunningIngress[] = [];

async function start(...parameters: Parameters<typeof startIngress>): Promise<RunningIngress> {
  const started = await startIngress(...parameters);
  running.push(started);
  return started;
}

afterEach(async () => {
  for (const { ingress } of running.splice(0)) await ingress.stop?.();
});

const line = "POST /v1.0/invoke/callee/method/m HTTP/1.1\r\nHost: a\r\n";
const smuggled = "GET /v1.0/invoke/victim/method/smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
const chunk = "5\r\nhello\r\n0\r\n\r\n";

/** Messages whose length two servers could see differently (RFC 9112 sections 6 and 11.2). */
test.each([
  ["both lengths", `${line}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}`],
  [
    "both lengths the other way",
    `${line}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n${chunk}`,
  ],
  [
    "two encodings in lines",
    `${line}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}`,
  ],
  ["two encodings in a list", `${line}Transfer-Encoding: chunked, chunked\r\n\r\n${chunk}`],
  ["an encoding below the chunks", `${line}Transfer-Encoding: gzip, chunked\r\n\r\n${chunk}`],
  ["chunks not last", `${line}Transfer-Encoding: chunked, identity\r\n\r\n${chunk}`],
  ["an unknown encoding", `${line}Transfer-Encoding: xchunked\r\n\r\n${chunk}`],
  [
    "an encoding in HTTP/1.0",
    `${line.replace("1.1", "1.0")}Transfer-Encoding: chunked\r\n\r\n${chunk}`,
  ],
  ["two lengths", `${line}Content-Length: 4\r\nContent-Length: 5\r\n\r\nhello`],
  ["a list of lengths", `${line}Content-Length: 5, 5\r\n\r\nhello`],
  ["a signed length", `${line}Content-Length: +5\r\n\r\nhello`],
  ["a negative length", `${line}Content-Length: -5\r\n\r\nhello`],
  ["a hexadecimal length", `${line}Content-Length: 0x5\r\n\r\nhello`],
  ["a length of nothing", `${line}Content-Length: \r\n\r\nhello`],
  ["a length beyond numbers", `${line}Content-Length: 99999999999999999999\r\n\r\nhello`],
  ["a space before the colon", `${line}Content-Length : 5\r\n\r\nhello`],
  ["a folded header", `${line}X-A: b\r\n Content-Length: 5\r\n\r\n`],
  ["a bare LF in the head", `${line}X-A: b\nContent-Length: 5\r\n\r\nhello`],
  ["a bare CR in the head", `${line}X-A: b\rContent-Length: 5\r\n\r\nhello`],
  ["NUL in a header", `${line}X-A: b\0\r\n\r\n`],
  ["a header without a name", `${line}: b\r\n\r\n`],
  ["two hosts", `${line}Host: b\r\n\r\n`],
  ["no host", "GET / HTTP/1.1\r\n\r\n"],
  ["a signed chunk length", `${line}Transfer-Encoding: chunked\r\n\r\n+5\r\nhello\r\n0\r\n\r\n`],
  [
    "a bare LF after a chunk length",
    `${line}Transfer-Encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n`,
  ],
  ["a chunk longer than told", `${line}Transfer-Encoding: chunked\r\n\r\n4\r\nhello\r\n0\r\n\r\n`],
  [
    "a bare LF in a chunk extension",
    `${line}Transfer-Encoding: chunked\r\n\r\n5;a\nb\r\nhello\r\n0\r\n\r\n`,
  ],
])("%s: refused, and nothing after it is served", async (_name, text) => {
  const { port, sidecar } = await start();
  const answer = await exchange(port, text + smuggled);
  expect(answer).toMatch(/^HTTP\/1\.1 (?:400|501) /);
  expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1);
  expect(sidecar.calls.map(({ target }) => target)).not.toContain("victim");
  expect(await get(port, "/v1.0/invoke/callee/method/m")).toMatch(/ 200 OK/);
});

test("no header is lost, however many fit into the head", async () => {
  const { port, sidecar } = await start({ maxHeaderBytes: 1_048_576 });
  const many = Array.from({ length: 3_000 }, (_, index) => `X-${index}: 1`);
  await get(port, "/v1.0/invoke/callee/method/m", [...many, "X-Last: yes"]);
  expect(sidecar.calls[0]?.metadata.slice(-2)).toEqual(["X-Last", "yes"]);
});

test("too large a head is answered with 431", async () => {
  const { port } = await start();
  expect(await get(port, "/", ["X-A: ".padEnd(9_000, "a")])).toMatch(/^HTTP\/1\.1 431 /);
});

test("a head that does not end is given up after the deadline", async () => {
  const { port } = await start({ headersTimeoutMs: 100 });
  expect(await exchange(port, "GET / HTTP/1.1\r\nHost: a\r\nX-")).toMatch(/^HTTP\/1\.1 408 /);
  expect(await exchange(port, "")).toBe("");
});

test("a small body that does not come is given up after the deadline", async () => {
  const { port, sidecar } = await start({ inlineBodyTimeoutMs: 100 });
  const answer = await exchange(port, `${line}Content-Length: 5\r\n\r\nhel`);
  expect(answer).toMatch(/^HTTP\/1\.1 408 /);
  expect(sidecar.calls).toEqual([]);
});

test("a connection without requests is closed after the deadline", async () => {
  const { port } = await start({ idleTimeoutMs: 100 });
  const answer = await exchange(port, "GET /v1.0/healthz HTTP/1.1\r\nHost: a\r\n\r\n");
  expect(answer).toMatch(/^HTTP\/1\.1 204 /);
});

test("bytes that are no request never get into an answer under way", async () => {
  const { port, sidecar } = await start();
  const firstPart = async function* (): AsyncGenerator<Uint8Array> {
    yield Buffer.from("part");
    await new Promise(() => undefined);
  };
  sidecar.answer = async () => appAnswer({ body: firstPart() });
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  let text = "";
  socket.on("data", (bytes: Buffer) => {
    text += bytes.toString("latin1");
    if (text.includes("part")) socket.write("no request\r\n\r\n");
  });
  socket.write("GET /v1.0/invoke/callee/method/m HTTP/1.1\r\nHost: a\r\n\r\n");
  await once(socket, "close");
  expect(text.match(/HTTP\/1\.1 /g)).toHaveLength(1);
});

test("HTTP/2: a session without streams is closed after the deadline, one with a quiet stream is not", async () => {
  const { port, sidecar } = await start({ idleTimeoutMs: 200 });
  const answers: (() => void)[] = [];
  sidecar.answer = () =>
    new Promise((resolve) => {
      answers.push(() => resolve(appAnswer()));
    });
  const busy = connectHttp2(`http://127.0.0.1:${port}`);
  const stream = busy.request({ ":path": "/v1.0/invoke/callee/method/m" });
  await expect.poll(() => answers.length).toBe(1);
  const idle = connectHttp2(`http://127.0.0.1:${port}`);
  await once(idle, "close");
  expect(busy.destroyed).toBe(false);
  answers[0]?.();
  const [headers] = await once(stream, "response");
  expect(headers[":status"]).toBe(200);
  busy.destroy();
});

test("a flood of pipelined requests ends the connection", async () => {
  const { port, sidecar } = await start();
  sidecar.answer = () => new Promise(() => undefined);
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  socket.resume();
  socket.write("GET /v1.0/invoke/callee/method/m HTTP/1.1\r\nHost: a\r\n\r\n".repeat(1_000));
  await once(socket, "close");
  expect(sidecar.calls.length).toBeLessThanOrEqual(100);
});
