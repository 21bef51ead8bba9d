import { constants } from "node:http2";
import { createServer as createTcpServer } from "node:net";
import type { AppChannel } from "@outrigger/core";
import { expect, test } from "vitest";
import {
  call,
  channelTo,
  deliverText,
  echo,
  type Handler,
  signalled,
  startApp,
  startRaw,
  waitFor,
} from "./h2c-app.ts";

test("one session carries all calls that the app allows, more only beyond that", async () => {
  const gate = signalled();
  let running = 0;
  const handler: Handler = (stream) => {
    running += 1;
    void gate.done.then(() => {
      stream.respond({ ":status": 200 });
      stream.end("ok");
    });
  };
  const wide = await startApp(handler);
  const narrow = await startApp(handler, { settings: { maxConcurrentStreams: 2 } });
  const single = channelTo(narrow.port, { maxConnections: 1 });
  const all = Promise.all([
    ...Array.from({ length: 20 }, () => deliverText(channelTo20(wide.port))),
    ...Array.from({ length: 5 }, () => deliverText(channelTo20(narrow.port))),
    ...Array.from({ length: 5 }, () => deliverText(single)),
  ]);
  await waitFor(() => running === 27);
  expect([wide.sessions.length, narrow.sessions.length]).toEqual([1, 4]);
  gate.set();
  expect(await all).toEqual(Array.from({ length: 30 }, () => "200 ok"));
  expect(narrow.sessions.length).toBe(4);
});

const shared = new Map<number, AppChannel>();
/** One channel per port. */
function channelTo20(port: number): AppChannel {
  const channel = shared.get(port) ?? channelTo(port);
  shared.set(port, channel);
  return channel;
}

test("a call that waits for room can be given up", async () => {
  let reached = false;
  const { port } = await startApp(
    () => {
      reached = true;
    },
    { settings: { maxConcurrentStreams: 1 } },
  );
  const channel = channelTo(port, { maxConnections: 1 });
  const callers = [new AbortController(), new AbortController()];
  const calls = callers.map(({ signal }) => channel.deliver(call({ signal })));
  await waitFor(() => reached);
  callers[1]?.abort();
  await expect(calls[1]).rejects.toMatchObject({ code: "OTR_ABORTED" });
  callers[0]?.abort();
  await expect(calls[0]).rejects.toMatchObject({ code: "OTR_ABORTED" });
});

test("a refused stream is sent again, any other reset is not", async () => {
  const seen: string[] = [];
  const { port } = await startApp((stream, headers) => {
    seen.push(`${headers[":path"]}`);
    if (headers[":path"] === "/refused" && seen.length === 1) {
      stream.close(constants.NGHTTP2_REFUSED_STREAM);
    } else if (headers[":path"] === "/cancelled") stream.close(constants.NGHTTP2_CANCEL);
    else echo(stream, headers);
  });
  const channel = channelTo(port);
  const body = Buffer.from("x");
  expect(await deliverText(channel, { method: "refused", body })).toBe("200 x");
  await expect(deliverText(channel, { method: "cancelled", body })).rejects.toMatchObject({
    code: "OTR_APP_FAILED",
    message: expect.stringContaining("CANCEL; received from peer"),
  });
  expect(seen).toEqual(["/refused", "/refused", "/cancelled"]);
});

test("a request that GOAWAY leaves out is sent again on another session; a processed one is not", async () => {
  const seen: string[] = [];
  const { port, sessions } = await startApp((stream, headers) => {
    seen.push(`${headers[":path"]}`);
    if (sessions.length > 1) echo(stream, headers);
    else if (seen.length === 2) {
      // The first stream counts as processed, this one does not.
      stream.session?.goaway(constants.NGHTTP2_NO_ERROR, 1);
      setImmediate(() => sessions[0]?.destroy());
    }
  });
  const channel = channelTo(port);
  const body = Buffer.from("x");
  const first = channel.deliver(call({ method: "one", body }));
  first.catch(() => undefined);
  await waitFor(() => seen.length === 1);
  expect(await deliverText(channel, { method: "two", body })).toBe("200 x");
  await expect(first).rejects.toMatchObject({ code: "OTR_APP_FAILED" });
  expect(seen).toEqual(["/one", "/two", "/two"]);
  expect(sessions.length).toBe(2);
});

test("calls fail while the app is away and succeed after it came back", async () => {
  const app = await startApp(echo);
  const channel = channelTo(app.port);
  expect(await deliverText(channel)).toBe("200 ");
  await app.end();
  for (let round = 0; round < 3; round++) {
    await expect(channel.deliver(call())).rejects.toMatchObject({
      code: "OTR_APP_UNREACHABLE",
      message: `Get "http://127.0.0.1:${app.port}/m": dial tcp 127.0.0.1:${app.port}: connect: connection refused`,
    });
  }
  await startApp(echo, {}, app.port);
  expect(await deliverText(channel)).toBe("200 ");
});

test("an app that dies during a call is an error", async () => {
  const { port, sessions } = await startApp(() => sessions[0]?.socket.destroy());
  await expect(channelTo(port).deliver(call())).rejects.toMatchObject({
    code: "OTR_APP_FAILED",
    message: `Get "http://127.0.0.1:${port}/m": unexpected EOF`,
  });
});

test.for([
  ["speaks HTTP/1.1", "HTTP/1.1 400 Bad Request\r\n\r\n", "http2: the app's first bytes"],
  ["hangs up", "", "unexpected EOF"],
] as const)("an app that %s is an error", async ([, bytes, message]) => {
  const port = await startRaw(
    createTcpServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", () => socket.end(bytes));
    }),
  );
  await expect(channelTo(port).deliver(call())).rejects.toThrow(message);
});

test("an app that never says anything is unreachable after the dial's bound", async () => {
  const port = await startRaw(
    createTcpServer((socket) => {
      socket.on("error", () => undefined);
      socket.resume();
    }),
  );
  const channel = channelTo(port, { dialTimeoutMs: 50 });
  await expect(channel.deliver(call())).rejects.toThrow("i/o timeout");
});

test("an unused session is closed", async () => {
  const { port, sessions } = await startApp(echo);
  expect(await deliverText(channelTo(port, { idleTimeoutMs: 30 }))).toBe("200 ");
  await waitFor(() => sessions[0]?.destroyed === true);
});

test("stopping the channel ends calls and sessions", async () => {
  let reached = false;
  const { port, sessions } = await startApp(() => {
    reached = true;
  });
  const channel = channelTo(port);
  const delivered = channel.deliver(call());
  await waitFor(() => reached);
  await Promise.all([
    expect(delivered).rejects.toMatchObject({ code: "OTR_APP_FAILED" }),
    channel.stop?.(),
  ]);
  await waitFor(() => sessions[0]?.destroyed === true);
  await expect(channel.deliver(call())).rejects.toMatchObject({ code: "OTR_APP_FAILED" });
});
