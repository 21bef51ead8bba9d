import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { appChannelGrpc } from "@outrigger/app-channel-grpc";
import type {
  AppHandler,
  AppReply,
  AppUnderTest,
  ClientAnswer,
  ClientCall,
  IngressUnderTest,
  InvocationClient,
} from "@outrigger/conformance";
import { emptyBody, type HeaderList, readBody } from "@outrigger/core";
import {
  frameMessage,
  GrpcClient,
  type GrpcResponse,
  GrpcServer,
  type GrpcServerCall,
} from "@outrigger/grpc-http2";
import { ingressGrpc } from "@outrigger/ingress-grpc";
import {
  appPaths,
  daprPaths,
  decodeInvokeRequest,
  decodeInvokeResponse,
  decodeStatus,
  encodeInvokeResponse,
  encodeInvokeServiceRequest,
  encodeStatus,
} from "@outrigger/protocol";

const maxMessageBytes = 16 * 1_024 * 1_024;

/** The gRPC API with a client of `InvokeService`. */
export const grpcIngress: IngressUnderTest = {
  protocol: "grpc",
  features: { streams: false, deadlines: true, healthRoutes: false },
  create: ingressGrpc({ hosts: ["127.0.0.1"], port: 0, maxMessageBytes }),
  client: ([address]) => {
    if (address === undefined) throw new Error("the ingress does not listen");
    return grpcClient(new GrpcClient(address, { maxMessageBytes }));
  },
};

function grpcClient(client: GrpcClient): InvocationClient {
  return {
    call: async (call, signal) => {
      const value = await readBody(call.body, maxMessageBytes);
      const response = await client.call({
        path: daprPaths.InvokeService,
        headers: call.headers,
        body: frameMessage(encodeCall(call, value)),
        signal,
        deadlineMs: call.timeoutMs === undefined ? undefined : Date.now() + call.timeoutMs,
      });
      return answerOf(response);
    },
    close: () => client.close(),
  };
}

function encodeCall(call: ClientCall, value: Uint8Array): Uint8Array {
  const { target, method, contentType, typeUrl, verb, query } = call;
  const httpExtension = verb === "" ? undefined : { verb, querystring: query };
  const message = { method, contentType, data: { typeUrl, value }, httpExtension };
  return encodeInvokeServiceRequest({ id: target, message });
}

async function answerOf(response: GrpcResponse): Promise<ClientAnswer> {
  let frame: Uint8Array | undefined;
  try {
    for await (const message of response.messages) frame = message.data;
  } catch {
    // The status tells it.
  }
  const { status, headers, trailers } = response;
  const message = frame === undefined ? undefined : decodeInvokeResponse(frame);
  return {
    status: status?.code ?? 2,
    message: status?.message ?? "no status",
    details: status?.detailsBin === undefined ? [] : decodeStatus(status.detailsBin).details,
    headers,
    trailers,
    contentType: message?.contentType ?? "",
    typeUrl: message?.data?.typeUrl ?? "",
    body: message?.data?.value ?? emptyBody,
  };
}

/** Apps with `OnInvoke`, behind the gRPC app channel. @param onCleanup told what to release. */
export function grpcApp(onCleanup: (cleanup: () => unknown) => void): AppUnderTest {
  return {
    protocol: "grpc",
    features: { streams: false, cancels: false },
    start: async (handler, maxConcurrency) => {
      const sockets = new Set<Socket>();
      const breakOff = (): void => {
        for (const socket of sockets) socket.destroy();
      };
      const server = new GrpcServer({
        methods: new Map([[appPaths.OnInvoke, (call) => onInvoke(handler, call, breakOff)]]),
        maxMessageBytes,
      });
      const { port: inner } = await server.listen("127.0.0.1", 0);
      const front = await listenInFront(inner, sockets);
      onCleanup(() => {
        front.close();
        breakOff();
        return server.close();
      });
      return appChannelGrpc({ port: front.port, maxConcurrency, maxMessageBytes });
    },
    absent: () => appChannelGrpc({ port: 1, connectTimeoutMs: 1_000 }),
  };
}

/** Passes connections on to the app, so that they can be cut. */
async function listenInFront(
  port: number,
  sockets: Set<Socket>,
): Promise<{ readonly port: number; close(): void }> {
  const front = createServer({ noDelay: true }, (near) => {
    const far = connect({ host: "127.0.0.1", port, noDelay: true });
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.once("close", () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  });
  front.listen(0, "127.0.0.1");
  await once(front, "listening");
  return { port: (front.address() as AddressInfo).port, close: () => void front.close() };
}

async function onInvoke(
  handler: AppHandler,
  call: GrpcServerCall,
  breakOff: () => void,
): Promise<void> {
  const frame = await call.messages.read();
  const message = decodeInvokeRequest(frame?.data ?? emptyBody);
  const headers: HeaderList = call.headers;
  const reply = await handler({
    path: message.method,
    query: message.httpExtension?.querystring ?? "",
    verb: message.httpExtension?.verb ?? "",
    headers,
    contentType: message.contentType,
    typeUrl: message.data?.typeUrl ?? "",
    body: message.data?.value ?? emptyBody,
    signal: call.signal,
  });
  if (reply === "break-off") breakOff();
  else await send(reply, call);
}

async function send(reply: AppReply, call: GrpcServerCall): Promise<void> {
  const { status, message, details, headers, trailers, contentType, typeUrl } = reply;
  call.respond(headers);
  if (status !== 0) {
    const detailsBin =
      details.length === 0 ? undefined : encodeStatus({ code: status, message, details });
    call.finish({ code: status, message, detailsBin }, trailers);
    return;
  }
  const value = await readBody(reply.body, maxMessageBytes);
  const answer = encodeInvokeResponse({ contentType, data: { typeUrl, value } });
  call.finish(undefined, trailers, frameMessage(answer));
}
