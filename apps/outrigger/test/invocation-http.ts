import { once } from "node:events";
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { appChannelHttp } from "@outrigger/app-channel-http";
import type {
  AppHandler,
  AppReply,
  AppUnderTest,
  ClientAnswer,
  ClientCall,
  IngressUnderTest,
  InvocationClient,
} from "@outrigger/conformance";
import { type HeaderList, headerValue, type ListenAddress } from "@outrigger/core";
import { ingressHttp } from "@outrigger/ingress-http";

/** The HTTP API with a client on node:http. */
export const httpIngress: IngressUnderTest = {
  protocol: "http",
  features: { streams: true, deadlines: false, healthRoutes: true },
  create: ingressHttp({ hosts: ["127.0.0.1"], port: 0, maxBodyBytes: 0 }),
  client: ([address]) => httpClient(address),
};

function httpClient(address: ListenAddress | undefined): InvocationClient {
  if (address === undefined) throw new Error("the ingress does not listen");
  const agent = new Agent({ keepAlive: false });
  const at = { host: address.host, port: address.port, agent };
  return {
    call: async (call, signal) => {
      const sent = request({
        ...at,
        method: call.verb,
        path: pathOf(call),
        headers: headersOf(call),
        signal,
      });
      const [received] = await Promise.all([once(sent, "response"), sendBody(call, sent)]);
      return answerOf(received[0] as IncomingMessage);
    },
    healthy: async (route, signal) => {
      const path = route === "sidecar" ? "/v1.0/healthz" : "/v1.0/healthz/outbound";
      const sent = request({ ...at, path, signal }).end();
      const [response] = (await once(sent, "response")) as [IncomingMessage];
      response.resume();
      return response.statusCode === 204;
    },
    close: () => agent.destroy(),
  };
}

function pathOf({ target, method, query, targetInHeader = false }: ClientCall): string {
  const path = targetInHeader ? `/${method}` : `/v1.0/invoke/${target}/method/${method}`;
  return query === "" ? path : `${path}?${query}`;
}

function headersOf({
  target,
  headers,
  contentType,
  body,
  targetInHeader,
  verb,
}: ClientCall): string[] {
  const list = ["Host", "localhost", ...headers];
  if (targetInHeader === true) list.push("dapr-app-id", target);
  if (contentType !== "") list.push("Content-Type", contentType);
  if (!(body instanceof Uint8Array)) list.push("Transfer-Encoding", "chunked");
  else if (body.length > 0 || !["GET", "HEAD"].includes(verb)) {
    list.push("Content-Length", String(body.length));
  }
  return list;
}

async function sendBody({ body }: ClientCall, sent: ReturnType<typeof request>): Promise<void> {
  if (body instanceof Uint8Array) {
    sent.end(body);
    return;
  }
  sent.flushHeaders();
  await pipeline(Readable.from(body), sent);
}

function answerOf(response: IncomingMessage): ClientAnswer {
  return {
    status: response.statusCode ?? 0,
    message: "",
    details: [],
    headers: response.rawHeaders,
    trailers: response.rawTrailers,
    contentType: headerValue(response.rawHeaders, "content-type") ?? "",
    typeUrl: "",
    body: response,
  };
}

/** Apps on node:http, behind the HTTP app channel. @param onCleanup told what to release. */
export function httpApp(onCleanup: (cleanup: () => unknown) => void): AppUnderTest {
  return {
    protocol: "http",
    features: { streams: true, cancels: true },
    start: async (handler, maxConcurrency) => {
      const server = createServer((received, response) => void serve(handler, received, response));
      const sockets = new Set<Socket>();
      server.on("connection", (socket) => {
        sockets.add(socket);
        socket.once("close", () => sockets.delete(socket));
      });
      onCleanup(() => {
        server.close();
        for (const socket of sockets) socket.destroy();
      });
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      const { port } = server.address() as AddressInfo;
      return appChannelHttp({ port, maxConcurrency, greets: false });
    },
    absent: () => appChannelHttp({ port: 1, greets: false }),
  };
}

async function serve(
  handler: AppHandler,
  received: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  response.on("error", () => undefined);
  const [path = "", ...query] = (received.url ?? "").split("?");
  const headers: HeaderList = received.rawHeaders;
  try {
    const reply = await handler({
      ...{ path, query: query.join("?"), verb: received.method ?? "", headers },
      ...{ contentType: headerValue(headers, "content-type") ?? "", typeUrl: "" },
      ...{ body: received, signal: gone.signal },
    });
    if (reply === "break-off") received.socket.destroy();
    else await send(reply, response);
  } catch {
    received.socket.destroy();
  }
}

async function send(reply: AppReply, response: ServerResponse): Promise<void> {
  const { status, headers, contentType, body } = reply;
  const list = [...headers];
  if (contentType !== "") list.push("Content-Type", contentType);
  if (body instanceof Uint8Array && status !== 204) {
    list.push("Content-Length", String(body.length));
  }
  response.writeHead(status, list);
  if (body instanceof Uint8Array) response.end(body);
  else {
    response.flushHeaders();
    await pipeline(Readable.from(body), response);
  }
}
