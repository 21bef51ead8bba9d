import { once } from "node:events";
import { createServer } from "node:http";
import { createServer as createHttp2Server, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import type { ArrivedSpan, CollectorConduct, SpanCollector } from "@outrigger/conformance";
import { readExport } from "./read-export.ts";

/** A collector that speaks OTLP, well or badly. */
export interface OtlpCollector extends SpanCollector {
  readonly port: number;
  close(): void;
}

/** What a server does with a request's message; `undefined` means that it never answers. */
type Take = (message: Buffer) => { readonly isTaken: boolean } | undefined;

export async function startOtlpCollector(protocol: "grpc" | "http"): Promise<OtlpCollector> {
  const spans: ArrivedSpan[] = [];
  let conduct: CollectorConduct = "takes";
  const take: Take = (message) => {
    if (conduct === "takes") spans.push(...readExport(message));
    return conduct === "hangs" ? undefined : { isTaken: conduct === "takes" };
  };
  const { port, close } = await (protocol === "http" ? httpServer(take) : grpcServer(take));
  return {
    port,
    close,
    arrived: () => spans,
    behave: (next) => {
      conduct = next;
    },
  };
}

async function httpServer(take: Take): Promise<{ port: number; close: () => void }> {
  const server = createServer(async (request, response) => {
    const answer = take(await bytesOf(request));
    if (answer === undefined) return;
    response.writeHead(answer.isTaken ? 200 : 400, { "content-type": "application/x-protobuf" });
    response.end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const close = (): void => {
    server.closeAllConnections();
    server.close();
  };
  return { port: (server.address() as AddressInfo).port, close };
}

async function grpcServer(take: Take): Promise<{ port: number; close: () => void }> {
  const sessions = new Set<ServerHttp2Session>();
  const server = createHttp2Server();
  server.on("session", (session) => {
    sessions.add(session);
    session.on("error", () => undefined);
  });
  server.on("stream", async (stream) => {
    stream.on("error", () => undefined);
    const answer = take((await bytesOf(stream)).subarray(5));
    if (answer === undefined || stream.destroyed) return;
    const head = { ":status": 200, "content-type": "application/grpc" };
    stream.respond(head, { waitForTrailers: true });
    // 3 is INVALID_ARGUMENT: not worth another try.
    const trailers = { "grpc-status": answer.isTaken ? "0" : "3" };
    stream.once("wantTrailers", () => stream.sendTrailers(trailers));
    stream.end(answer.isTaken ? Buffer.alloc(5) : undefined);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const close = (): void => {
    for (const session of sessions) session.destroy();
    server.close();
  };
  return { port: (server.address() as AddressInfo).port, close };
}

async function bytesOf(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}
