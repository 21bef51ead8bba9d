import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { appChannelHttp } from "@outrigger/app-channel-http";
import { type AppChannel, isBuffered, readBody } from "@outrigger/core";
import { afterEach, expect, test, vi } from "vitest";
import { call, channelTo, startApp } from "./h2c-app.ts";

const servers: Server[] = [];
const channels: AppChannel[] = [];
afterEach(async () => {
  for (const channel of channels.splice(0)) await channel.stop?.();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function http1(listener: Parameters<typeof createServer>[1]): Promise<AppChannel> {
  const server = createServer(listener);
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const channel = appChannelHttp({ port })({
    ...{ appId: "orders", namespace: "default", now: Date.now, random: Math.random },
    log: { enabled: () => false, log: () => undefined, scope: () => channelLog },
  });
  channels.push(channel);
  return channel;
}

const channelLog = { enabled: () => false, log: () => undefined, scope: () => channelLog };

/** A body that has nothing to say for as long as nobody lets it go. */
function silent(): { body: AsyncIterable<Uint8Array>; released: () => boolean } {
  let released = false;
  const iterator: AsyncIterator<Uint8Array> = {
    next: () => new Promise(() => undefined),
    return: async () => {
      released = true;
      return { done: true, value: undefined };
    },
  };
  return { body: { [Symbol.asyncIterator]: () => iterator }, released: () => released };
}

const soon = (): AbortSignal => AbortSignal.timeout(3_000);

test("an app can answer before the first part of a stream is there: HTTP/1.1", async () => {
  const channel = await http1((_request, response) => response.writeHead(403).end("no"));
  const { body } = silent();
  const response = await channel.deliver(call({ body, signal: soon() }));
  expect(response.status.code).toBe(403);
});

test("an app can answer before the first part of a stream is there: h2c", async () => {
  const { port } = await startApp((stream) => {
    stream.respond({ ":status": 403 });
    stream.end("no");
  });
  const { body } = silent();
  const response = await channelTo(port).deliver(call({ body, signal: soon() }));
  expect(response.status.code).toBe(403);
});

test("a body that waits for its source is released when the app has gone: HTTP/1.1", async () => {
  const channel = await http1((request) => request.socket.destroy());
  const { body, released } = silent();
  await expect(channel.deliver(call({ body, signal: soon() }))).rejects.toThrow("EOF");
  await vi.waitFor(() => expect(released()).toBe(true));
});

test("a body that waits for its source is released when the app has gone: h2c", async () => {
  const app = await startApp((stream) => stream.session?.destroy());
  const { body, released } = silent();
  await expect(channelTo(app.port).deliver(call({ body, signal: soon() }))).rejects.toThrow();
  await vi.waitFor(() => expect(released()).toBe(true));
});

test("an answer that is whole ends the upload: HTTP/1.1", async () => {
  let closed = false;
  const channel = await http1((request, response) => {
    request.socket.once("close", () => {
      closed = true;
    });
    response.end("enough");
  });
  const { body, released } = silent();
  const answer = await channel.deliver(call({ body, signal: soon() }));
  expect(Buffer.from(await readBody(answer.body, 100)).toString()).toBe("enough");
  await vi.waitFor(() => expect([closed, released()]).toEqual([true, true]));
});

test("an answer that is whole ends the upload: h2c", async () => {
  let closed = false;
  const { port } = await startApp((stream) => {
    stream.once("close", () => {
      closed = true;
    });
    stream.respond({ ":status": 200 });
    stream.end("enough");
  });
  const { body, released } = silent();
  const answer = await channelTo(port).deliver(call({ body, signal: soon() }));
  expect(Buffer.from(await readBody(answer.body, 100)).toString()).toBe("enough");
  await vi.waitFor(() => expect([closed, released()]).toEqual([true, true]));
});

test("answers that come before the body was sent never stop the process: h2c", async () => {
  const chunk = Buffer.alloc(16_384, 1);
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) yield chunk;
  }
  const { port } = await startApp((stream) => {
    stream.once("data", () => {
      stream.respond({ ":status": 413 });
      stream.end("enough");
    });
  });
  const channel = channelTo(port);
  for (let round = 0; round < 20; round += 1) {
    const calls = Array.from({ length: 20 }, async () => {
      const caller = new AbortController();
      const answer = await channel.deliver(call({ body: endless(), signal: caller.signal }));
      if (isBuffered(answer.body)) return answer.status.code;
      await readBody(answer.body, 1_000).catch(() => undefined);
      caller.abort();
      return answer.status.code;
    });
    expect(new Set(await Promise.all(calls))).toEqual(new Set([413]));
  }
});
