import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import type { Readable, Writable } from "node:stream";
import { afterAll, beforeAll, expect, test } from "vitest";
import { call, Mesh, type SidecarProcess, waitFor } from "./mesh.ts";

/**
 * Most that a writer gets rid of while nobody reads: the sockets' buffers of three connections, which
 * Linux lets grow to some megabytes each, and far less than that in the sidecars.
 */
const boundBytes = 24 * 1_024 * 1_024;
const totalBytes = 48 * 1_024 * 1_024;
const piece = Buffer.alloc(64 * 1_024, "x");

let mesh: Mesh;
let caller: SidecarProcess;
/** Requests and answers that the app leaves to the test. */
const held: { incoming: IncomingMessage; outgoing: Writable }[] = [];

beforeAll(async () => {
  mesh = new Mesh();
  const app = await mesh.app((incoming, outgoing) => {
    if (incoming.url === "/quick") outgoing.end("quick");
    else if (incoming.url === "/hold") {
      held.push({ incoming, outgoing });
      outgoing.setHeader("Content-Type", "application/octet-stream");
      if (incoming.method === "GET") outgoing.flushHeaders();
    } else outgoing.writeHead(404).end();
  });
  const flags = ["--max-body-size", "200Mi"];
  await mesh.sidecar("orders", { appPort: app.port, flags });
  caller = await mesh.sidecar("checkout", { flags });
});
afterAll(() => mesh.close());

/** Counts what a writer gets rid of. */
class Meter {
  written = 0;
  #changedAt = performance.now();

  async run(target: Writable): Promise<void> {
    for (let sent = 0; sent < totalBytes; sent += piece.length) {
      const flowing = target.write(piece, (error) => {
        if (error !== null && error !== undefined) return;
        this.written += piece.length;
        this.#changedAt = performance.now();
      });
      if (!flowing) await once(target, "drain");
    }
    target.end();
  }

  /** Resolves when nothing has been written for a while. */
  stalled(): Promise<void> {
    return waitFor(async () => performance.now() - this.#changedAt > 400, "the writer to stall");
  }
}

async function lengthOf(source: Readable): Promise<number> {
  let length = 0;
  for await (const chunk of source) length += (chunk as Buffer).length;
  return length;
}

function open(method: string): ReturnType<typeof request> {
  const target = { host: "127.0.0.1", port: caller.httpPort, method, agent: false };
  return request({ ...target, path: "/v1.0/invoke/orders/method/hold" });
}

async function nextHeld(): Promise<{ incoming: IncomingMessage; outgoing: Writable }> {
  await waitFor(async () => held.length > 0, "the call at the app");
  return held.shift() as { incoming: IncomingMessage; outgoing: Writable };
}

test("an app that does not read holds the client back, and lets it go on", async () => {
  const client = open("POST");
  const answered = once(client, "response");
  const meter = new Meter();
  const writing = meter.run(client);
  const { incoming, outgoing } = await nextHeld();
  await meter.stalled();
  expect(meter.written).toBeGreaterThan(0);
  expect(meter.written).toBeLessThan(boundBytes);
  expect(await lengthOf(incoming)).toBe(totalBytes);
  await writing;
  outgoing.end();
  const [response] = (await answered) as [IncomingMessage];
  response.resume();
});

test("a client that does not read holds the app back, and lets it go on", async () => {
  const client = open("GET");
  const answered = once(client, "response");
  client.end();
  const { outgoing } = await nextHeld();
  const [response] = (await answered) as [IncomingMessage];
  const meter = new Meter();
  const writing = meter.run(outgoing);
  await meter.stalled();
  expect(meter.written).toBeGreaterThan(0);
  expect(meter.written).toBeLessThan(boundBytes);
  expect(await lengthOf(response)).toBe(totalBytes);
  await writing;
});

test.for(["POST", "GET"])(
  "stalled %s streams leave the peer connection to others",
  async (method) => {
    const clients = Array.from({ length: 12 }, () => open(method));
    for (const client of clients) {
      client.on("error", () => undefined);
      // Without a listener node:http would throw the answer away as it comes.
      client.on("response", (response) => response.on("error", () => undefined));
    }
    const writers: Writable[] = method === "POST" ? clients : [];
    if (method === "GET") for (const client of clients) client.end();
    const meters: Meter[] = [];
    if (method === "POST") {
      for (const writer of writers) meters.push(startMeter(writer));
      for (const _ of clients) await nextHeld();
    } else {
      for (const _ of clients) meters.push(startMeter((await nextHeld()).outgoing));
    }
    await Promise.all(meters.map((meter) => meter.stalled()));
    const started = performance.now();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () =>
        call(caller.httpPort, "GET", "/v1.0/invoke/orders/method/quick"),
      ),
    );
    expect(answers.map(({ body }) => body)).toEqual(answers.map(() => "quick"));
    expect(performance.now() - started).toBeLessThan(1_000);
    for (const client of clients) client.destroy();
  },
);

/** Writes until somebody breaks off. */
function startMeter(target: Writable): Meter {
  const meter = new Meter();
  target.on("error", () => undefined);
  meter.run(target).catch(() => undefined);
  return meter;
}
