import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  type ClientHttp2Session,
  connect,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";
import type { Writable } from "node:stream";
import { readBody } from "./streaming-http.ts";

const messageBytes = 32 * 1_024;

/** One gRPC message with its prefix; its bytes are not looked into on the way. */
const message = Buffer.alloc(5 + messageBytes, "outrigger");
message.writeUInt8(0, 0);
message.writeUInt32BE(messageBytes, 1);

/** A gRPC app of its own: `/bulk/Up` answers with a digest, `/bulk/Down` with as many bytes as asked. */
export class BulkGrpcApp {
  readonly #server: Http2Server = createServer();
  readonly #sessions: Set<ServerHttp2Session> = new Set();
  port = 0;

  async start(): Promise<void> {
    this.#server.on("session", (session) => {
      this.#sessions.add(session);
      session.once("close", () => this.#sessions.delete(session));
    });
    this.#server.on("stream", (stream, headers) => void answer(stream, headers));
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    this.port = (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    for (const session of this.#sessions) session.destroy();
    this.#server.close();
  }
}

async function answer(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
  stream.on("error", () => undefined);
  stream.respond({ "content-type": "application/grpc" }, { waitForTrailers: true });
  const digest = headers[":path"] === "/bulk/Up" ? await readBody(stream) : undefined;
  const sent = await writeMessages(stream, Number(headers["x-bytes"] ?? 0));
  stream.once("wantTrailers", () => {
    stream.sendTrailers({ "grpc-status": "0", "x-digest": digest ?? sent });
  });
  stream.end();
}

async function writeMessages(target: Writable, bytes: number): Promise<string> {
  const hash = createHash("sha256");
  for (let sent = 0; sent < bytes; sent += messageBytes) {
    hash.update(message);
    if (!target.write(message)) await once(target, "drain");
  }
  return hash.digest("hex");
}

/** What a client sent and got. */
export interface BulkAnswer {
  readonly sent: string;
  readonly received: string;
  readonly status: string;
  /** Of what the app got or gave. */
  readonly appDigest: string;
}

/** Streams through a sidecar's gRPC port to an app. */
export async function bulkCall(
  session: ClientHttp2Session,
  appId: string,
  method: "Up" | "Down",
  bytes: number,
): Promise<BulkAnswer> {
  const stream = session.request({
    ...{ ":method": "POST", ":path": `/bulk/${method}`, te: "trailers" },
    ...{ "content-type": "application/grpc", "dapr-app-id": appId },
    "x-bytes": method === "Down" ? String(bytes) : "0",
  });
  // An answer without messages has its trailers in the head.
  const trailed = new Promise<IncomingHttpHeaders>((resolve) => {
    for (const event of ["response", "trailers"] as const) {
      stream.on(event, (headers: IncomingHttpHeaders) => {
        if (headers["grpc-status"] !== undefined) resolve(headers);
      });
    }
  });
  const reading = readBody(stream);
  const sent = await writeMessages(stream, method === "Up" ? bytes : 0);
  stream.end();
  const [received, trailers] = await Promise.all([reading, trailed]);
  const status = String(trailers["grpc-status"]);
  return { sent, received, status, appDigest: String(trailers["x-digest"]) };
}

/** A client session with windows large enough not to be what is measured. */
export function connectGrpc(port: number): ClientHttp2Session {
  return connect(`http://127.0.0.1:${port}`, { settings: { initialWindowSize: 1_048_576 } });
}
