import { constants } from "node:http2";
import { readBody } from "@outrigger/core";
import { expect, test } from "vitest";
import { call, channelTo, deliverText, echo, signalled, startApp, waitFor } from "./h2c-app.ts";

test("the app gets verb, path, query, body and headers, and none that HTTP/2 forbids", async () => {
  let seen: [string, unknown][] = [];
  const { port } = await startApp((stream, headers) => {
    seen = Object.entries(headers);
    echo(stream, headers);
  });
  const text = await deliverText(channelTo(port, { appToken: "secret" }), {
    http: { verb: "POST", query: "x=1&y" },
    method: "a/b",
    body: Buffer.from("hi"),
    contentType: "text/plain",
    metadata: [
      ...["X-A", "1", "X-A", "2", "X-Bytes", "caf\xe9", "Connection", "X-Drop", "X-Drop", "1"],
      ...["TE", "trailers", "Keep-Alive", "1", "Upgrade", "h2c", "Referer", "a", "Referer", "b"],
    ],
  });
  expect(text).toBe("200 hi");
  expect(Object.fromEntries(seen)).toEqual({
    ":method": "POST",
    ":scheme": "http",
    ":authority": `127.0.0.1:${port}`,
    ":path": "/a/b?x=1&y",
    "content-length": "2",
    "content-type": "text/plain",
    "dapr-api-token": "secret",
    referer: "a, b",
    traceparent: expect.stringMatching(/^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-00$/),
    "user-agent": "Go-http-client/2.0",
    "x-a": "1, 2",
    "x-bytes": "caf\xe9",
  });
});

test("status, repeated headers and body come back; informational answers and trailers do not", async () => {
  const { port } = await startApp((stream) => {
    stream.additionalHeaders({ ":status": 103, link: "</a>" });
    stream.respond(
      { ":status": 509, "set-cookie": ["a", "b"], "content-type": "a/b", "content-length": 4 },
      { waitForTrailers: true },
    );
    stream.once("wantTrailers", () => stream.sendTrailers({ "x-trailer": "1" }));
    stream.end("nope");
  });
  const response = await channelTo(port).deliver(call());
  expect(Buffer.from(await readBody(response.body, 10)).toString()).toBe("nope");
  expect(response).toMatchObject({ status: { code: 509 }, contentType: "a/b", trailers: [] });
  const names = response.headers.filter((_value, index) => index % 2 === 0);
  expect(names).toEqual(["Set-Cookie", "Set-Cookie", "Content-Type", "Date"]);
});

test("HEAD, 204 and empty bodies end at once", async () => {
  const { port } = await startApp((stream, headers) => {
    const isHead = headers[":method"] === "HEAD";
    stream.respond({ ":status": isHead ? 200 : 204, "x-end": "1" }, { endStream: true });
  });
  const channel = channelTo(port);
  expect(await deliverText(channel, { http: { verb: "HEAD", query: "" } })).toBe("200 ");
  expect(await deliverText(channel, { http: { verb: "POST", query: "" } })).toBe("204 ");
});

test("large heads pass in both directions, up to the limit of answers", async () => {
  // One field holds at most 64 KiB in nghttp2.
  const big = "x".repeat(60_000);
  const { port } = await startApp(
    (stream, headers) => {
      const length = `${headers["x-big"]?.length}`;
      stream.respond({ ":status": 200, "x-length": length, "x-a": big, "x-b": big });
      stream.end();
    },
    { settings: { maxHeaderListSize: 1_000_000 }, maxSendHeaderBlockLength: 1_000_000 },
  );
  const response = await channelTo(port).deliver(call({ metadata: ["X-Big", big, "X-Big", big] }));
  expect(response.headers).toContain("120002");
  const small = channelTo(port, { maxResponseHeaderBytes: 4_096 });
  await expect(small.deliver(call())).rejects.toThrow(
    `Get "http://127.0.0.1:${port}/m": http2: response header list larger than advertised limit`,
  );
});

test("bodies stream both ways while both are open", async () => {
  const { port } = await startApp(echo);
  const gate = signalled();
  async function* parts(): AsyncGenerator<Uint8Array> {
    yield Buffer.from("first;");
    await gate.done;
    yield Buffer.from("last");
  }
  const response = await channelTo(port).deliver(call({ body: parts() }));
  const answer = (response.body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  expect(Buffer.from((await answer.next()).value as Uint8Array).toString()).toBe("first;");
  gate.set();
  expect(Buffer.from((await answer.next()).value as Uint8Array).toString()).toBe("last");
  expect((await answer.next()).done).toBe(true);
});

test("a body of another length than declared fails, and the app sees the stream cancelled", async () => {
  const codes: (number | undefined)[] = [];
  const { port } = await startApp((stream) => {
    stream.resume();
    stream.once("close", () => codes.push(stream.rstCode));
  });
  async function* parts(): AsyncGenerator<Uint8Array> {
    yield Buffer.from("abc");
  }
  const delivered = channelTo(port).deliver(call({ body: parts(), bodyLength: 7 }));
  await expect(delivered).rejects.toThrow("http: ContentLength=7 with Body length 3");
  await waitFor(() => codes.length === 1);
  expect(codes).toEqual([constants.NGHTTP2_CANCEL]);
});

test("a slow app stops the writer, and leaving resets the stream with CANCEL", async () => {
  let produced = 0;
  let code: number | undefined;
  const { port } = await startApp((stream) => {
    stream.once("close", () => {
      code = stream.rstCode;
    });
  });
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) {
      produced += 1;
      yield Buffer.alloc(65_536);
    }
  }
  const caller = new AbortController();
  const channel = channelTo(port);
  const delivered = channel.deliver(call({ body: endless(), signal: caller.signal }));
  let before = -1;
  while (before !== produced || produced === 0) {
    before = produced;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect(produced).toBeLessThan(20);
  caller.abort();
  await expect(delivered).rejects.toMatchObject({ code: "OTR_ABORTED" });
  await waitFor(() => code !== undefined);
  expect(code).toBe(constants.NGHTTP2_CANCEL);
});

test("a slow reader stops the app, and giving the answer up resets the stream with CANCEL", async () => {
  let written = 0;
  let code: number | undefined;
  const { port } = await startApp((stream) => {
    stream.respond({ ":status": 200 });
    const write = (): void => {
      do written += 65_536;
      while (stream.write(Buffer.alloc(65_536)));
    };
    stream.on("drain", write);
    stream.once("close", () => {
      code = stream.rstCode;
    });
    write();
  });
  const response = await channelTo(port).deliver(call());
  const answer = (response.body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  await answer.next();
  let before = -1;
  while (before !== written) {
    before = written;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect(written).toBeLessThan(2_000_000);
  await answer.return?.();
  await waitFor(() => code !== undefined);
  expect(code).toBe(constants.NGHTTP2_CANCEL);
});

test("an answer that breaks off is no whole one, however it ends", async () => {
  const { port } = await startApp((stream, headers) => {
    stream.respond({ ":status": 200 });
    stream.write("part", () => {
      if (headers[":path"] === "/reset") stream.destroy(new Error("app"));
      else stream.session?.destroy();
    });
  });
  const channel = channelTo(port);
  await expect(deliverText(channel, { method: "reset" })).rejects.toThrow("INTERNAL_ERROR");
  await expect(deliverText(channel, { method: "lost" })).rejects.toThrow("unexpected EOF");
});

test("an answer cut off by the call's own end does not pass for a whole one", async () => {
  const { port } = await startApp((stream) => {
    stream.respond({ ":status": 200 });
    stream.write("first;");
  });
  const caller = new AbortController();
  const response = await channelTo(port).deliver(call({ signal: caller.signal }));
  const answer = (response.body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  await answer.next();
  const rest = answer.next();
  caller.abort();
  await expect(rest).rejects.toMatchObject({ code: "OTR_ABORTED" });
});

test("the limit holds the next call until an answer was read", async () => {
  let running = 0;
  let most = 0;
  const { port } = await startApp((stream) => {
    running += 1;
    most = Math.max(most, running);
    stream.once("close", () => {
      running -= 1;
    });
    stream.respond({ ":status": 200 });
    stream.write("part");
    setImmediate(() => stream.end("rest"));
  });
  const channel = channelTo(port, { maxConcurrency: 2 });
  const answers = await Promise.all(Array.from({ length: 10 }, () => deliverText(channel)));
  expect(answers).toEqual(Array.from({ length: 10 }, () => "200 partrest"));
  expect(most).toBeLessThanOrEqual(3);
});

test("probes and greetings travel over HTTP/2, too", async () => {
  const seen: string[] = [];
  const { port } = await startApp((stream, headers) => {
    seen.push(`${headers[":path"]} ${headers["dapr-app-id"]}`);
    stream.respond({ ":status": headers[":path"] === "/sick" ? 500 : 204 }, { endStream: true });
  });
  const channel = channelTo(port);
  const { signal } = new AbortController();
  await channel.waitUntilListening?.(signal);
  expect(await channel.probe?.("healthz", 1_000, signal)).toBe(true);
  expect(await channel.probe?.("sick", 1_000, signal)).toBe(false);
  await channel.greet?.(signal);
  expect(seen).toEqual(["/healthz undefined", "/sick undefined", "/dapr/config orders"]);
});
