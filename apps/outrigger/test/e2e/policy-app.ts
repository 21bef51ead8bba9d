import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import {
  createServer as createHttp2Server,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";

/** One call as the app saw it. */
export interface SeenCall {
  readonly path: string;
  readonly body: Buffer;
}

/** How an app fails its callers. */
export type Fault = number | "hang" | "reset" | "slow";

/**
 * An app that does what its path says: `/status/<code>/<name>` answers with a status,
 * `/flaky/<n>/<name>` fails n times with 500, `/hang/<name>` never answers, `/half/<name>` never finishes.
 */
export class PolicyApp {
  readonly seen: SeenCall[] = [];
  /** Calls of `/hang` that were broken off. */
  brokenOff = 0;
  /** What happens to every call, whatever the path. A number is a status. */
  fault: Fault | undefined;
  /** Times of the calls in milliseconds, in the order of `seen`. */
  readonly times: number[] = [];
  readonly #server = createServer((request, response) => void this.#answer(request, response));
  #port = 0;

  /** Listens, on the same port when it has listened before. */
  async start(): Promise<number> {
    this.#server.listen(this.#port, "127.0.0.1");
    await once(this.#server, "listening");
    this.#port = (this.#server.address() as AddressInfo).port;
    return this.#port;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  count(path: string): number {
    return this.seen.filter((call) => call.path === path).length;
  }

  /** When calls of a path came. */
  timesOf(path: string): readonly number[] {
    return this.times.filter((_time, index) => this.seen[index]?.path === path);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? "";
    response.once("close", () => {
      if (!response.writableFinished) this.brokenOff += 1;
    });
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    if (path === "/dapr/config") {
      response.writeHead(404).end();
      return;
    }
    this.times.push(performance.now());
    this.seen.push({ path, body: Buffer.concat(chunks) });
    const [, kind, argument] = path.split("/");
    if (kind === "hang" || this.fault === "hang") return;
    if (this.fault === "reset") {
      request.socket.resetAndDestroy();
      return;
    }
    if (this.fault === "slow") await new Promise((resolve) => setTimeout(resolve, 1_000));
    if (kind === "half") {
      response.writeHead(200, { "content-type": "text/plain" });
      response.write("half");
      return;
    }
    const failing = kind === "flaky" && this.count(path) <= Number(argument);
    const status = kind === "status" ? Number(argument) : failing ? 500 : 200;
    response.writeHead(typeof this.fault === "number" ? this.fault : status, {
      "content-type": "text/plain",
      "x-n": "1",
    });
    response.end(status === 204 || status === 304 ? undefined : `answer ${this.count(path)}`);
  }
}

/**
 * A gRPC app: `/t.S/Code<n>` ends with that status, `/t.S/Partial<n>` after a message, `/t.S/Hang`
 * never answers, `/t.S/Echo` sends back each message.
 */
export class PolicyGrpcApp {
  readonly seen: string[] = [];
  readonly #server = createHttp2Server();
  readonly #sessions: Set<ServerHttp2Session> = new Set();

  async start(): Promise<number> {
    this.#server.on("session", (session) => {
      this.#sessions.add(session);
      session.once("close", () => this.#sessions.delete(session));
    });
    this.#server.on("stream", (stream, headers) => this.#answer(stream, `${headers[":path"]}`));
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    for (const session of this.#sessions) session.destroy();
    this.#server.close();
  }

  count(path: string): number {
    return this.seen.filter((other) => other === path).length;
  }

  #answer(stream: ServerHttp2Stream, path: string): void {
    this.seen.push(path);
    stream.on("error", () => undefined);
    const head = { ":status": 200, "content-type": "application/grpc" };
    const code = /Code(\d+)$/.exec(path)?.[1];
    if (code !== undefined) {
      stream.respond(
        { ...head, "grpc-status": code, "grpc-message": "app says" },
        { endStream: true },
      );
      return;
    }
    if (path.endsWith("Hang")) return;
    const status = /Partial(\d+)$/.exec(path)?.[1];
    stream.respond(head, { waitForTrailers: true });
    stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": status ?? "0" }));
    if (status === undefined) stream.pipe(stream);
    else stream.end(Buffer.from([0, 0, 0, 0, 1, 7]));
  }
}
