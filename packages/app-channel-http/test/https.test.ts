import { once } from "node:events";
import { createServer as createPlainServer } from "node:http";
import { createServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer, type Server } from "node:net";
import type { TLSSocket } from "node:tls";
import { type AppChannelHttpOptions, appChannelHttp } from "@outrigger/app-channel-http";
import { type AppChannel, readBody, silentLogger } from "@outrigger/core";
import { afterEach, expect, test } from "vitest";
import { selfSigned } from "../../app-channel-grpc/test/self-signed.ts";
import { call } from "./h2c-app.ts";

const certificate = selfSigned();
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function listen(server: Server, port = 0): Promise<number> {
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

function channelTo(port: number, options: Partial<AppChannelHttpOptions> = {}): AppChannel {
  const channel = appChannelHttp({ port, protocol: "https", ...options })({
    appId: "orders",
    namespace: "default",
    log: silentLogger,
    now: Date.now,
    random: Math.random,
  });
  cleanups.push(() => channel.stop?.());
  return channel;
}

async function text(channel: AppChannel): Promise<string> {
  const { body } = await channel.deliver(call());
  return Buffer.from(await readBody(body, 1_000_000)).toString();
}

const signal = new AbortController().signal;

test("an app's certificate is not verified, and HTTP/1.1 is spoken over TLS 1.2 or later", async () => {
  const seen: unknown[] = [];
  const server = createServer({ ...certificate, maxVersion: "TLSv1.2" }, (request, response) => {
    const { encrypted, alpnProtocol } = request.socket as TLSSocket;
    seen.push([request.httpVersion, encrypted, alpnProtocol || "http/1.1", request.url]);
    response.end("ok");
  });
  const port = await listen(server);
  const channel = channelTo(port);
  await channel.waitUntilListening?.(signal);
  expect(await channel.probe?.("/healthz", 1_000, signal)).toBe(true);
  await channel.greet?.(signal);
  expect(await text(channel)).toBe("ok");
  expect(seen).toEqual(
    ["/healthz", "/dapr/config", "/m"].map((url) => ["1.1", true, "http/1.1", url]),
  );
});

test("an app that speaks no TLS is unreachable", async () => {
  const port = await listen(createPlainServer((_request, response) => response.end("plain")));
  await expect(channelTo(port).deliver(call())).rejects.toMatchObject({
    code: "OTR_APP_UNREACHABLE",
    message: `Get "https://127.0.0.1:${port}/m": tls: first record does not look like a TLS handshake`,
  });
  expect(await channelTo(port).probe?.("/", 1_000, signal)).toBe(false);
});

test("an app that never finishes the handshake is unreachable after the dial's bound", async () => {
  const port = await listen(
    createTcpServer((socket) => {
      socket.on("error", () => undefined);
      socket.resume();
    }),
  );
  await expect(channelTo(port, { dialTimeoutMs: 50 }).deliver(call())).rejects.toMatchObject({
    code: "OTR_APP_UNREACHABLE",
    message: expect.stringContaining("i/o timeout"),
  });
});

test("calls fail while the app is away and succeed after it came back", async () => {
  const server = createServer(certificate, (_request, response) => response.end("first"));
  const port = await listen(server);
  const channel = channelTo(port);
  expect(await text(channel)).toBe("first");
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await expect(channel.deliver(call())).rejects.toMatchObject({
    code: "OTR_APP_UNREACHABLE",
    message: `Get "https://127.0.0.1:${port}/m": dial tcp 127.0.0.1:${port}: connect: connection refused`,
  });
  await listen(
    createServer(certificate, (_request, response) => response.end("second")),
    port,
  );
  expect(await text(channel)).toBe("second");
});
