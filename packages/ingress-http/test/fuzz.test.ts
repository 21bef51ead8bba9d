import { once } from "node:events";
import { connect } from "node:net";
import { readBody } from "@outrigger/core";
import { afterEach, expect, test } from "vitest";
import { fuzz, mutate, randomBytes } from "../../grpc-http2/test/fuzz.ts";
import {
  endHeaders,
  endStream,
  frame,
  frameType,
  headerBlock,
} from "../../grpc-http2/test/raw-http2.ts";
import { appAnswer, get, type RunningIngress, startIngress } from "./ingress.ts";

const running: RunningIngress[] = [];
afterEach(async () => {
  for (const { ingress } of running.splice(0)) await ingress.stop?.();
});

const path = "/v1.0/invoke/callee/method/m";
const head = `POST ${path} HTTP/1.1\r\nHost: a\r\n`;
const preface = Buffer.concat([
  Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  frame(frameType.settings, 0, 0, Buffer.alloc(0)),
]);
const block = headerBlock([
  [":method", "POST"],
  [":scheme", "http"],
  [":path", path],
  [":authority", "a"],
]);

const valid: readonly Buffer[] = [
  Buffer.from(`${head}Content-Length: 5\r\n\r\nhello${head}\r\n`),
  Buffer.from(`${head}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-T: 1\r\n\r\n`),
  Buffer.from(`GET /v1.0/metadata?a=b HTTP/1.1\r\nHost: a\r\nCookie: a=b\r\nCookie: c\r\n\r\n`),
  Buffer.from(`PUT /v1.0/metadata/k HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nv`),
  Buffer.from(`CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n`),
  Buffer.from(
    `PROPFIND ${path} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nUpgrade: h2c\r\n\r\n`,
  ),
  Buffer.concat([
    preface,
    frame(frameType.headers, endHeaders, 1, block),
    frame(frameType.data, endStream, 1, Buffer.from("hello")),
    frame(frameType.headers, endHeaders | endStream, 3, block),
    frame(frameType.windowUpdate, 0, 0, Buffer.of(0, 0, 1, 0)),
    frame(frameType.reset, 0, 3, Buffer.of(0, 0, 0, 8)),
  ]),
];

async function attack(port: number, bytes: Buffer, cut: number): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  const chunks: Buffer[] = [];
  socket.on("error", () => undefined);
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  const closed = once(socket, "close", { signal: AbortSignal.timeout(5_000) });
  socket.write(bytes.subarray(0, cut));
  setImmediate(() => socket.end(bytes.subarray(cut)));
  await closed;
  return Buffer.concat(chunks).toString("latin1");
}

test("whatever bytes come, the connection ends and others are served", async () => {
  const limits = { headersTimeoutMs: 300, idleTimeoutMs: 300, inlineBodyTimeoutMs: 300 };
  const started = await startIngress(limits);
  running.push(started);
  const { port, sidecar } = started;
  sidecar.answer = async ({ body }) => appAnswer({ body: await readBody(body, 10_000_000) });
  await fuzz(3_500, async (random) => {
    const attacks = Array.from({ length: 16 }, () => {
      const template = valid[random(valid.length)] as Buffer;
      const isNoise = random(8) === 0;
      const bytes = isNoise ? randomBytes(random(400), random) : mutate(template, random);
      return attack(port, bytes, random(bytes.length + 1));
    });
    for (const answer of await Promise.all(attacks)) {
      // Nothing, HTTP/1.1, or frames of HTTP/2, of which SETTINGS is the first.
      if (answer !== "" && answer[3] !== "\x04") expect(answer).toMatch(/^HTTP\/1\.1 [1-5]\d\d /);
    }
    expect(await get(port, "/v1.0/healthz")).toMatch(/^HTTP\/1\.1 204 /);
  });
  expect(await get(port, path)).toMatch(/^HTTP\/1\.1 200 /);
});
