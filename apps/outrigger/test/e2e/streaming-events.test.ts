import { once } from "node:events";
import { type IncomingMessage, request, type ServerResponse } from "node:http";
import { connect } from "node:http2";
import type { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Mesh, type SidecarProcess, waitFor } from "./mesh.ts";

const path = "/v1.0/invoke/orders/method/events";
const events = 60;
const gapMs = 8;
const limitMs = 50;

let mesh: Mesh;
let caller: SidecarProcess;
/** Answers that the app leaves to the test. */
const streams: ServerResponse[] = [];

beforeAll(async () => {
  mesh = new Mesh();
  const app = await mesh.app((incoming, outgoing) => {
    if (incoming.url !== "/events") {
      outgoing.writeHead(404).end();
      return;
    }
    outgoing.writeHead(200, { "Content-Type": "text/event-stream" });
    outgoing.flushHeaders();
    streams.push(outgoing);
  });
  await mesh.sidecar("orders", { appPort: app.port });
  caller = await mesh.sidecar("checkout");
});
afterAll(() => mesh.close());

/** A client whose headers have arrived. */
interface EventClient {
  readonly contentType: string | undefined;
  readonly body: Readable;
  /** Whether the stream is over without its proper end. */
  isBroken(): boolean;
  leave(): void;
}

async function overHttp1(accept: string): Promise<EventClient> {
  const outgoing = request({
    ...{ host: "127.0.0.1", port: caller.httpPort, path, agent: false },
    headers: { accept, "accept-encoding": "gzip" },
  });
  outgoing.end();
  const [response] = (await once(outgoing, "response")) as [IncomingMessage];
  response.on("error", () => undefined);
  const leave = (): void => {
    outgoing.destroy();
  };
  const isBroken = (): boolean => !response.complete;
  return { contentType: response.headers["content-type"], body: response, isBroken, leave };
}

async function overHttp2(accept: string): Promise<EventClient> {
  const session = connect(`http://127.0.0.1:${caller.httpPort}`);
  session.on("error", () => undefined);
  const stream = session.request({ ":path": path, accept, "accept-encoding": "gzip" });
  stream.once("close", () => session.destroy());
  stream.on("error", () => undefined);
  const [headers] = await once(stream, "response");
  const isBroken = (): boolean => stream.rstCode !== 0;
  return {
    contentType: headers["content-type"],
    body: stream,
    isBroken,
    leave: () => session.destroy(),
  };
}

async function nextStream(): Promise<ServerResponse> {
  await waitFor(async () => streams.length > 0, "the call at the app");
  return streams.shift() as ServerResponse;
}

/** Milliseconds from each write of the app to the client's first byte of it. */
async function delays(app: ServerResponse, body: Readable): Promise<number[]> {
  const writtenAt: number[] = [];
  const found: number[] = [];
  body.on("data", (chunk: Buffer) => {
    const now = performance.now();
    for (const [, index] of chunk.toString().matchAll(/data: (\d+)/g)) {
      found.push(now - (writtenAt[Number(index)] ?? 0));
    }
  });
  for (let index = 0; index < events; index += 1) {
    writtenAt.push(performance.now());
    app.write(`data: ${index}\n\n`);
    await new Promise((resolve) => setTimeout(resolve, gapMs));
  }
  await waitFor(async () => found.length === events, "all events");
  return found.sort((a, b) => a - b);
}

describe.for([
  ["HTTP/1.1", overHttp1],
  ["HTTP/2", overHttp2],
] as const)("events over %s", ([, open]) => {
  // One late event can be the machine's doing; a sidecar that holds events back is late every time.
  test.for(["text/event-stream", "*/*"])(
    "each event arrives at once, with Accept: %s",
    { retry: 2 },
    async (accept) => {
      // The headers come before the first event: the app has written none yet.
      const client = await open(accept);
      const app = await nextStream();
      expect(client.contentType).toBe("text/event-stream");
      const sorted = await delays(app, client.body);
      client.leave();
      expect(sorted[Math.floor(events / 2)]).toBeLessThan(limitMs / 5);
      expect(sorted.at(-1)).toBeLessThan(limitMs);
    },
  );

  test("a client that leaves ends the app's request", async () => {
    const client = await open("text/event-stream");
    const app = await nextStream();
    app.write("data: 1\n\n");
    await once(client.body, "data");
    const closed = once(app, "close");
    const leftAt = performance.now();
    client.leave();
    await closed;
    expect(app.writableFinished).toBe(false);
    expect(performance.now() - leftAt).toBeLessThan(1_000);
  });

  test.for(["text/event-stream", "*/*"])(
    "an app that breaks off breaks the client's stream, with Accept: %s",
    async (accept) => {
      const client = await open(accept);
      const app = await nextStream();
      app.write("data: 1\n\n");
      await once(client.body, "data");
      const closed = new Promise((resolve) => client.body.once("close", resolve));
      app.destroy();
      client.body.resume();
      await closed;
      expect(client.isBroken()).toBe(true);
    },
  );

  test("an app that ends its events ends the client's stream", async () => {
    const client = await open("text/event-stream");
    const app = await nextStream();
    const ended = once(client.body, "end");
    client.body.resume();
    app.end("data: last\n\n");
    await ended;
  });
});
