import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { exchange, type RunningIngress, startIngress } from "./ingress.ts";

const running: RunningIngress[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map(({ ingress }) => ingress.stop?.()));
});

async function start(options: Parameters<typeof startIngress>[0] = {}): Promise<RunningIngress> {
  const started = await startIngress(options);
  running.push(started);
  return started;
}

const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
/** Three settings, as Go's own tests send them. */
const settings = "AAMAAABkAARAAAAAAAIAAAAA";
const asks = ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", `HTTP2-Settings: ${settings}`];

function head(line: string, headers: readonly string[]): string {
  return [`${line} HTTP/1.1`, "Host: sidecar", ...headers, "", ""].join("\r\n");
}

function frame(type: number, flags: number, stream: number, payload = Buffer.alloc(0)): Buffer {
  const bytes = Buffer.alloc(9);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes.writeUInt8(type, 3);
  bytes.writeUInt8(flags, 4);
  bytes.writeUInt32BE(stream, 5);
  return Buffer.concat([bytes, payload]);
}

/** Reads from a socket until `isDone` holds for all that came. */
async function readUntil(socket: Socket, isDone: (all: Buffer) => boolean): Promise<Buffer> {
  let all = Buffer.alloc(0);
  while (!isDone(all)) {
    const [chunk] = (await once(socket, "data")) as [Buffer];
    all = Buffer.concat([all, chunk]);
  }
  return all;
}

/** The frames that follow the head of the 101, as far as they are whole. */
function frames(all: Buffer): { type: number; flags: number; stream: number; payload: Buffer }[] {
  const found = [];
  let at = all.indexOf("\r\n\r\n") + 4;
  while (at + 9 <= all.length && at + 9 + all.readUIntBE(at, 3) <= all.length) {
    const length = all.readUIntBE(at, 3);
    const [type, flags] = [all.readUInt8(at + 3), all.readUInt8(at + 4)];
    const payload = all.subarray(at + 9, at + 9 + length);
    found.push({ type, flags, stream: all.readUInt32BE(at + 5), payload });
    at += 9 + length;
  }
  return found;
}

function isAnswered(all: Buffer): boolean {
  return frames(all).some(({ stream, flags, type }) => stream === 1 && type < 2 && flags & 1);
}

test("a request that asks for h2c is answered on stream 1, on any request of a connection", async () => {
  const { port, sidecar } = await start();
  const socket = connect(port, "127.0.0.1");
  socket.write(head("GET /v1.0/healthz", []));
  await readUntil(socket, (all) => all.includes("\r\n\r\n"));
  const headers = [...asks, "X-One: 1", "X-One: 2", "Accept: text/plain"];
  socket.write(head("GET /v1.0/invoke/callee/method/m?q=1", headers));
  const switched = await readUntil(socket, (all) => all.includes("\r\n\r\n"));
  expect(switched.toString("latin1")).toMatch(
    /^HTTP\/1\.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n/,
  );
  // In single pieces, as a network may bring them.
  const bytes = Buffer.concat([preface, frame(4, 0, 0), frame(8, 0, 0, Buffer.from([0, 0, 1, 0]))]);
  const answered = readUntil(socket, (all) => isAnswered(Buffer.concat([switched, all])));
  for (const byte of bytes) socket.write(Buffer.from([byte]));
  const all = frames(Buffer.concat([switched, await answered]));
  socket.destroy();
  const data = all.filter(({ type, stream }) => type === 0 && stream === 1);
  expect(Buffer.concat(data.map(({ payload }) => payload)).toString()).toBe("ok");
  expect(all.filter(({ type, flags }) => type === 4 && flags === 1)).toHaveLength(1);
  expect(sidecar.calls).toHaveLength(1);
  expect(sidecar.calls[0]).toMatchObject({ method: "m", http: { verb: "GET", query: "q=1" } });
  const metadata = sidecar.calls[0]?.metadata ?? [];
  const pairs = metadata.flatMap((text, at) => (at % 2 ? [`${metadata[at - 1]}=${text}`] : []));
  expect(pairs).toEqual(expect.arrayContaining(["X-One=1", "X-One=2", "Accept=text/plain"]));
  expect(pairs.join().toLowerCase()).not.toMatch(/upgrade|http2-settings|connection/);
});

test("after the upgrade, the connection is one of HTTP/2", async () => {
  const { port, sidecar } = await start();
  const socket = connect(port, "127.0.0.1");
  socket.write(head("GET /v1.0/healthz", asks));
  const [switched] = (await once(socket, "data")) as [Buffer];
  const end = switched.indexOf("\r\n\r\n") + 4;
  socket.pause();
  if (end < switched.length) socket.unshift(switched.subarray(end));
  // Node's client does not know of stream 1, so this test leaves its answer to the one above.
  const session = connectHttp2(`http://127.0.0.1:${port}`, { createConnection: () => socket });
  session.on("error", () => undefined);
  await once(session, "remoteSettings");
  session.destroy();
  expect(sidecar.calls).toEqual([]);
});

test.each([
  ["without the settings' name in Connection", "GET", ["Connection: Upgrade", "Upgrade: h2c"], ""],
  ["with settings that cannot be read", "GET", [...asks.slice(0, 2), "HTTP2-Settings: AA"], ""],
  ["with a body", "POST", [...asks, "Content-Length: 2"], "hi"],
  ["with another protocol", "GET", ["Connection: Upgrade", "Upgrade: websocket"], ""],
])("a request %s is answered over HTTP/1.1", async (_name, verb, headers, body) => {
  const { port, sidecar } = await start();
  const socket = connect(port, "127.0.0.1");
  const isWhole = (all: Buffer): boolean => all.includes("\r\n\r\nok");
  for (const verbNow of [verb, "GET"]) {
    const isFirst = verbNow === verb && sidecar.calls.length === 0;
    const line = `${verbNow} /v1.0/invoke/callee/method/m`;
    socket.write(isFirst ? `${head(line, headers)}${body}` : head(line, []));
    expect((await readUntil(socket, isWhole)).toString()).toMatch(/^HTTP\/1\.1 200 OK/);
  }
  socket.destroy();
  expect(sidecar.calls.map(({ body: got }) => Buffer.from(got as Uint8Array).toString())).toEqual([
    body,
    "",
  ]);
});

test("without HTTP/2, h2c is ignored", async () => {
  const { port } = await start({ disableHttp2: true });
  const socket = connect(port, "127.0.0.1");
  socket.write(head("GET /v1.0/healthz", asks));
  const answer = await readUntil(socket, (all) => all.includes("\r\n\r\n"));
  socket.destroy();
  expect(answer.toString()).toContain("HTTP/1.1 204 No Content");
});

test("a client that does not go on after the upgrade, or sends no HTTP/2, is cut off", async () => {
  const { port, sidecar } = await start({ headersTimeoutMs: 100 });
  const silent = await exchange(port, head("GET /v1.0/invoke/callee/method/m", asks));
  expect(silent).toMatch(/^HTTP\/1\.1 101 /);
  const wrong = `${head("GET /v1.0/invoke/callee/method/m", asks)}GET / HTTP/1.1\r\nHost: a\r\n\r\n`;
  expect(await exchange(port, wrong)).toMatch(/^HTTP\/1\.1 101 /);
  expect(sidecar.calls).toEqual([]);
});
