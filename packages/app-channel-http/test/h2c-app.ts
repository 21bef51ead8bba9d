import { once } from "node:events";
import {
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type ServerOptions,
} from "node:http2";
import type { AddressInfo, Server } from "node:net";
import { type AppChannelHttpOptions, appChannelHttp } from "@outrigger/app-channel-http";
import {
  type AppChannel,
  emptyBody,
  type ReceivedCall,
  readBody,
  silentLogger,
} from "@outrigger/core";
import { afterEach } from "vitest";

export type Handler = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

export interface App {
  readonly port: number;
  readonly sessions: ServerHttp2Session[];
  end(): Promise<void>;
}

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

export async function startApp(
  handler: Handler,
  options: ServerOptions = {},
  port = 0,
): Promise<App> {
  const server: Http2Server = createServer(options);
  const sessions: ServerHttp2Session[] = [];
  server.on("session", (session) => {
    sessions.push(session);
    session.on("error", () => undefined);
  });
  server.on("stream", (stream, headers) => {
    stream.on("error", () => undefined);
    handler(stream, headers);
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const end = async (): Promise<void> => {
    for (const session of sessions) session.destroy();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  };
  cleanups.push(end);
  return { port: (server.address() as AddressInfo).port, sessions, end };
}

export async function startRaw(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

export function channelTo(port: number, options: Partial<AppChannelHttpOptions> = {}): AppChannel {
  const channel = appChannelHttp({ port, protocol: "h2c", ...options })({
    appId: "orders",
    namespace: "default",
    log: silentLogger,
    now: Date.now,
    random: Math.random,
  });
  cleanups.push(() => channel.stop?.());
  return channel;
}

export function call(overrides: Partial<ReceivedCall> = {}): ReceivedCall {
  const body = overrides.body ?? emptyBody;
  return {
    target: "",
    method: "m",
    http: { verb: body === emptyBody ? "GET" : "POST", query: "" },
    origin: "http",
    metadata: [],
    contentType: "",
    typeUrl: "",
    body,
    bodyLength: body instanceof Uint8Array ? body.length : undefined,
    signal: new AbortController().signal,
    ...overrides,
  };
}

export async function deliverText(
  channel: AppChannel,
  overrides: Partial<ReceivedCall> = {},
): Promise<string> {
  const { body, status } = await channel.deliver(call(overrides));
  const text = Buffer.from(await readBody(body, 100_000_000)).toString();
  return `${status.code} ${text}`;
}

export async function waitFor(check: () => boolean): Promise<void> {
  const endsAt = Date.now() + 5_000;
  while (!check()) {
    if (Date.now() > endsAt) throw new Error("waited 5 s in vain");
    await new Promise((resolve) => setImmediate(resolve));
  }
}

export function signalled(): { readonly done: Promise<void>; readonly set: () => void } {
  let set: () => void = () => undefined;
  const done = new Promise<void>((resolve) => {
    set = resolve;
  });
  return { done, set };
}

export const echo: Handler = (stream) => {
  stream.respond({ ":status": 200 });
  stream.pipe(stream);
};
