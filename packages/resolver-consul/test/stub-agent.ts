import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** A request as the stub saw it. */
export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Stands in for an agent where a test must see what is sent. Knows every app, with one instance. */
export class StubAgent {
  readonly seen: Seen[] = [];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      const [path = "", query = ""] = (request.url ?? "").split("?");
      const { method = "", headers } = request;
      this.seen.push({ method, path, query, headers, body: Buffer.concat(chunks).toString() });
      const app = /\/health\/service\/(.*)$/.exec(path)?.[1];
      // The watch gets no answer: the stub never changes.
      if (path.endsWith("/health/state/any") && query.includes("index=")) return;
      response.setHeader("X-Consul-Index", "1");
      response.setHeader("Content-Type", "application/json");
      response.end(app === undefined ? "{}" : JSON.stringify([entry(decodeURIComponent(app))]));
    });
  }

  static async listen(path?: string): Promise<StubAgent> {
    const stub = new StubAgent();
    if (path === undefined) stub.#server.listen(0, "127.0.0.1");
    else stub.#server.listen(path);
    await once(stub.#server, "listening");
    return stub;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Requests of one kind. */
  of(path: string): readonly Seen[] {
    return this.seen.filter((one) => one.path === path);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await once(this.#server.close(), "close");
  }
}

function entry(appId: string): object {
  const Service = { Service: appId, Address: "", Meta: { DAPR_PORT: "50002", P: "50003" } };
  return { Node: { Address: "::1" }, Service };
}
