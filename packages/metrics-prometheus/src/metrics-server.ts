import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import {
  type Component,
  errorText,
  joinHostPort,
  type ListenAddress,
  type Logger,
  OutriggerError,
  silentLogger,
} from "@outrigger/core";
import { contentType } from "./exposition.ts";
import { ProcessFamilies } from "./process-families.ts";

const compress = promisify(gzip);

/** Options of `metricsServer`. */
export interface MetricsServerOptions {
  /** Address to listen on. Default `0.0.0.0`, as Dapr. */
  readonly host?: string;
  /** Port; 0 picks a free one. Default 9090. */
  readonly port?: number;
  /** Text of the families beside those of the process. Default none. */
  readonly render?: () => string;
  readonly log?: Logger;
}

/** A running metrics server. */
export interface MetricsServer extends Component {
  /** Where it listens; `undefined` before and after. */
  address(): ListenAddress | undefined;
}

/** Bound on receiving a request, in milliseconds, as in Dapr. */
const readTimeoutMs = 10_000;

/** How long scrapes under way may take at the end. */
const drainMs = 5_000;

/** Serves metrics on every path. Its name is that of the readiness target in Dapr. */
export function metricsServer(options: MetricsServerOptions = {}): MetricsServer {
  return new HttpMetricsServer(options);
}

class HttpMetricsServer implements MetricsServer {
  readonly name = "metrics-exporter";
  readonly #options: MetricsServerOptions;
  readonly #log: Logger;
  readonly #process = new ProcessFamilies();
  #server: Server | undefined;

  constructor(options: MetricsServerOptions) {
    this.#options = options;
    this.#log = options.log ?? silentLogger;
  }

  address(): ListenAddress | undefined {
    const address = this.#server?.address();
    if (address === null || typeof address !== "object") return undefined;
    return { host: address.address, port: address.port };
  }

  async start(): Promise<void> {
    if (this.#server !== undefined) return;
    const { host = "0.0.0.0", port = 9_090 } = this.#options;
    const server = createServer(
      { requestTimeout: readTimeoutMs, headersTimeout: readTimeoutMs },
      (request, response) => void this.#answer(request, response),
    );
    await listen(server, host, port);
    this.#server = server;
    this.#process.start();
    const bound = joinHostPort(host, this.address()?.port ?? port);
    this.#log.log("info", `metrics server started on ${bound}/`);
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    this.#process.stop();
    if (server === undefined) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => server.closeAllConnections(), drainMs);
      server.close(() => {
        clearTimeout(timer);
        resolve();
      });
      server.closeIdleConnections();
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.resume();
    response.on("error", () => undefined);
    try {
      const text = `${this.#options.render?.() ?? ""}${this.#process.render()}`;
      const zipped = acceptsGzip(request) ? await compress(text) : undefined;
      response.writeHead(200, {
        "Content-Type": contentType,
        ...(zipped === undefined ? {} : { "Content-Encoding": "gzip" }),
      });
      response.end(zipped ?? text);
    } catch (reason) {
      this.#log.log("error", `metrics cannot be written: ${errorText(reason)}`);
      if (!response.headersSent) response.writeHead(500);
      response.end();
    }
  }
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (cause: NodeJS.ErrnoException): void => reject(listenFailure(host, port, cause));
    server.once("error", fail);
    try {
      server.listen(port, host, () => {
        server.off("error", fail);
        server.on("error", () => undefined);
        resolve();
      });
    } catch (cause) {
      // No port at all.
      fail(cause as NodeJS.ErrnoException);
    }
  });
}

function listenFailure(host: string, port: number, cause: NodeJS.ErrnoException): OutriggerError {
  const shown = joinHostPort(host, port);
  const why = cause.code === "EADDRINUSE" ? "bind: address already in use" : cause.message;
  const message = `failed to listen on ${shown}: listen tcp ${shown}: ${why}`;
  return new OutriggerError(message, { code: "OTR_LISTEN_FAILED", cause, details: { port } });
}

/** `q=0` refuses it. */
function acceptsGzip({ headers }: IncomingMessage): boolean {
  const accepted = headers["accept-encoding"];
  if (typeof accepted !== "string") return false;
  return accepted
    .split(",")
    .some((item) => /^\s*gzip\s*(?:;(?!\s*q=0(?:\.0*)?\s*$).*)?$/i.test(item));
}
