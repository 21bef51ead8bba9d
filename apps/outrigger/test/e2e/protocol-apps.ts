import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo, Server, Socket } from "node:net";
import { frameMessage, type GrpcHandler, GrpcServer } from "@outrigger/grpc-http2";
import { appPaths, decodeInvokeRequest, encodeInvokeResponse } from "@outrigger/protocol";
import { selfSigned } from "../../../../packages/app-channel-grpc/test/self-signed.ts";

/** What an app listens for. */
export type AppProtocol = "http" | "https" | "h2c" | "grpc" | "grpcs";

/** An app that tells what it got; `hang` is never answered, and `upload` is answered with its body. */
export interface ProtocolApp {
  readonly port: number;
  /** Resolves once a call of `hang` is there. */
  readonly hanging: Promise<void>;
  /** Ends it as a killed process would end: all connections at once. */
  kill(): Promise<void>;
}

const certificate = selfSigned();

function signalled(): { readonly done: Promise<void>; readonly set: () => void } {
  let set: () => void = () => undefined;
  const done = new Promise<void>((resolve) => {
    set = resolve;
  });
  return { done, set };
}

/** Starts an app of a protocol on loopback. */
export function startProtocolApp(protocol: AppProtocol, port = 0): Promise<ProtocolApp> {
  return protocol === "grpc" || protocol === "grpcs"
    ? startGrpcApp(protocol === "grpcs", port)
    : startHttpApp(protocol, port);
}

async function startHttpApp(
  protocol: "http" | "https" | "h2c",
  port: number,
): Promise<ProtocolApp> {
  const hang = signalled();
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    if (request.url === "/hang") {
      hang.set();
      return;
    }
    response.statusCode = 202;
    response.setHeader("X-Reply", "yes");
    if (request.url === "/upload") request.pipe(response);
    else void tell(request, response);
  };
  const server: Server = {
    http: () => createServer(listener),
    https: () => createSecureServer(certificate, listener),
    // The compatibility layer has what the listener uses.
    h2c: () =>
      createHttp2Server((request, response) =>
        Reflect.apply(listener, undefined, [request, response]),
      ),
  }[protocol]();
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    hanging: hang.done,
    kill: async () => {
      for (const socket of sockets) socket.destroy();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function tell(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  response.setHeader("Content-Type", "application/json");
  const [path, query] = (request.url ?? "").slice(1).split("?");
  response.end(
    JSON.stringify({
      ...{ verb: request.method, path, query, body: Buffer.concat(chunks).toString() },
      ...{ custom: request.headers["x-custom"], version: request.httpVersion },
    }),
  );
}

async function startGrpcApp(isSecure: boolean, port: number): Promise<ProtocolApp> {
  const hang = signalled();
  const onInvoke: GrpcHandler = async (call) => {
    const frame = await call.messages.read();
    const { method, contentType, data, httpExtension } = decodeInvokeRequest(
      frame?.data ?? new Uint8Array(0),
    );
    if (method === "hang") {
      hang.set();
      await new Promise((resolve) => call.signal.addEventListener("abort", resolve));
      return;
    }
    const custom = call.headers[call.headers.indexOf("x-custom") + 1];
    const told = JSON.stringify({
      ...{ verb: httpExtension?.verb, path: method, query: httpExtension?.querystring },
      ...{ body: Buffer.from(data?.value ?? []).toString(), custom },
    });
    const value = method === "upload" ? (data?.value ?? new Uint8Array(0)) : Buffer.from(told);
    call.respond(["x-reply", "yes"]);
    const type = method === "upload" ? contentType : "application/json";
    const answer = encodeInvokeResponse({ contentType: type, data: { typeUrl: "", value } });
    call.finish(undefined, [], frameMessage(answer));
  };
  const server = new GrpcServer({
    methods: new Map([[appPaths.OnInvoke, onInvoke]]),
    ...(isSecure ? { tls: () => certificate } : {}),
  });
  const { port: bound } = await server.listen("127.0.0.1", port);
  return { port: bound, hanging: hang.done, kill: async () => server.close() };
}
