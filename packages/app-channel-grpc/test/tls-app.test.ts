import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import {
  type AppChannelGrpcOptions,
  appChannelGrpc,
  appProxyGrpc,
} from "@outrigger/app-channel-grpc";
import {
  type AppChannel,
  type ComponentContext,
  emptyBody,
  type ProxyChannel,
  type ReceivedCall,
  silentLogger,
} from "@outrigger/core";
import { frameMessage } from "@outrigger/grpc-http2";
import { appPaths, decodeInvokeRequest, encodeInvokeResponse } from "@outrigger/protocol";
import { afterEach, expect, test } from "vitest";
import { selfSigned } from "./self-signed.ts";

const { key, cert } = selfSigned();
const secure = (): ServerCredentials =>
  ServerCredentials.createSsl(null, [
    { private_key: Buffer.from(key), cert_chain: Buffer.from(cert) },
  ]);

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const context: ComponentContext = {
  appId: "app",
  namespace: "default",
  log: silentLogger,
  now: Date.now,
  random: Math.random,
};

type Answer = (error: null, value: Buffer) => void;
const same = (bytes: Buffer): Buffer => bytes;

/** An app of grpc-js: it answers OnInvoke with what it got, is healthy, and echoes `/a.B/C`. */
async function startApp(
  port = 0,
  credentials = secure(),
): Promise<{ port: number; server: Server }> {
  const server = new Server();
  const unary = (path: string) => ({
    path,
    requestStream: false,
    responseStream: false,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  });
  server.addService(
    { invoke: unary(appPaths.OnInvoke), health: unary(appPaths.HealthCheck), c: unary("/a.B/C") },
    {
      invoke: ({ request }: { request: Buffer }, done: Answer) => {
        const { method, data } = decodeInvokeRequest(request);
        const value = Buffer.from(`${method} ${Buffer.from(data?.value ?? emptyBody)}`);
        done(
          null,
          Buffer.from(encodeInvokeResponse({ contentType: "", data: { typeUrl: "", value } })),
        );
      },
      health: (_call: unknown, done: Answer) => done(null, Buffer.alloc(0)),
      c: ({ request }: { request: Buffer }, done: Answer) => done(null, request),
    },
  );
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, credentials, (error, result) => {
      if (error === null) resolve(result);
      else reject(error);
    });
  });
  cleanups.push(() => server.forceShutdown());
  return { port: bound, server };
}

function channelTo(port: number, options: Partial<AppChannelGrpcOptions> = {}): AppChannel {
  const channel = appChannelGrpc({ port, tls: true, ...options })(context);
  cleanups.push(() => channel.stop?.());
  return channel;
}

function proxyTo(port: number): ProxyChannel {
  const proxy = appProxyGrpc({ port, tls: true })(context);
  cleanups.push(() => proxy.stop?.());
  return proxy;
}

function received(): ReceivedCall {
  return {
    ...{ target: "", method: "m", http: undefined, origin: "grpc", metadata: [] },
    ...{ contentType: "", typeUrl: "", body: Buffer.from("hi"), bodyLength: 2 },
    signal: new AbortController().signal,
  };
}

async function invoke(channel: AppChannel): Promise<string> {
  const { status, body } = await channel.deliver(received());
  return status.code === 0
    ? Buffer.from(body as Uint8Array).toString()
    : `${status.code} ${status.message}`;
}

async function proxied(proxy: ProxyChannel): Promise<string> {
  const response = await proxy.proxy({
    path: "/a.B/C",
    metadata: [],
    frames: (async function* () {
      yield frameMessage(Buffer.from("ping"));
    })(),
    signal: AbortSignal.timeout(5_000),
  });
  const chunks: Uint8Array[] = [];
  for await (const chunk of response.frames) chunks.push(chunk);
  expect((await response.ended).status.code).toBe(0);
  return Buffer.concat(chunks).subarray(5).toString();
}

/** Passes bytes on to another port, the first ones after a while. */
async function slowDoor(port: number, delayMs: number): Promise<number> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    const inner = connect(port, "127.0.0.1");
    for (const end of [socket, inner]) {
      end.on("error", () => undefined);
      sockets.push(end);
    }
    const timer = setTimeout(() => socket.pipe(inner).pipe(socket), delayMs);
    socket.once("close", () => {
      clearTimeout(timer);
      inner.destroy();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

const { signal } = new AbortController();

test("a TLS app gets calls, probes and proxied calls; its certificate is not verified", async () => {
  const { port } = await startApp();
  const channel = channelTo(port);
  await channel.waitUntilListening?.(signal);
  expect(channel.protocol).toBe("grpcs");
  expect(await invoke(channel)).toBe("m hi");
  expect(await channel.probe?.("", 1_000, signal)).toBe(true);
  expect(await proxied(proxyTo(port))).toBe("ping");
});

test("a slow handshake is waited for, up to the bound on connecting", async () => {
  const { port } = await startApp();
  const slow = await slowDoor(port, 300);
  expect(await invoke(channelTo(slow))).toBe("m hi");
  expect(await proxied(proxyTo(slow))).toBe("ping");
  expect(await invoke(channelTo(slow, { connectTimeoutMs: 50 }))).toBe(
    '14 connection error: desc = "transport: authentication handshake failed: context deadline exceeded"',
  );
});

test("an app without TLS is UNAVAILABLE at once, and unhealthy", async () => {
  const { port } = await startApp(0, ServerCredentials.createInsecure());
  const channel = channelTo(port);
  expect(await invoke(channel)).toMatch(/^14 .*authentication handshake failed: /);
  expect(await channel.probe?.("", 1_000, signal)).toBe(false);
  await expect(proxied(proxyTo(port))).rejects.toMatchObject({
    code: "OTR_APP_UNREACHABLE",
    rpc: { code: 14 },
  });
});

test.for([true, false])(
  "an app with TLS %s is UNAVAILABLE while away and works once it is back",
  async (tls) => {
    const credentials = (): ServerCredentials =>
      tls ? secure() : ServerCredentials.createInsecure();
    const { port, server } = await startApp(0, credentials());
    const channel = channelTo(port, { tls });
    const proxy = appProxyGrpc({ port, tls })(context);
    cleanups.push(() => proxy.stop?.());
    expect([await invoke(channel), await proxied(proxy)]).toEqual(["m hi", "ping"]);
    server.forceShutdown();
    const text = `connection error: desc = "transport: Error while dialing: dial tcp 127.0.0.1:${port}: connect: connection refused"`;
    await expect.poll(() => invoke(channel)).toBe(`14 ${text}`);
    await expect(proxied(proxy)).rejects.toMatchObject({ rpc: { code: 14, message: text } });
    await startApp(port, credentials());
    expect([await invoke(channel), await proxied(proxy)]).toEqual(["m hi", "ping"]);
  },
);
