import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { TlsOptions } from "node:tls";
import { errorText, OutriggerError } from "@outrigger/core";

/** Where a server listens. */
export interface Listen {
  /** Address; empty means all. */
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
}

/** Times that keep slow clients from holding on to a server. */
const limits = { headersTimeout: 10_000, requestTimeout: 30_000, maxHeaderSize: 16 * 1_024 };

/** An HTTP server for answers of one piece: health, metrics, discovery. */
export class SmallHttpServer {
  readonly #what: string;
  readonly #server: Server;

  /** @param what names the server in errors. */
  constructor(what: string, handler: RequestListener, tls?: TlsOptions) {
    this.#what = what;
    this.#server =
      tls === undefined
        ? createServer(limits, handler)
        : createSecureServer({ ...limits, ...tls, minVersion: "TLSv1.2" }, handler);
  }

  /** @throws OutriggerError `OTR_LISTEN_FAILED`. */
  async listen({ host, port }: Listen): Promise<number> {
    const server = this.#server;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      // Without a host Node takes all addresses of both families.
      server.listen({ port, ...(host === "" ? {} : { host }) }, () => {
        server.removeListener("error", reject);
        resolve();
      });
    }).catch((cause: unknown) => {
      const place = `${host || "all addresses"} port ${port}`;
      throw new OutriggerError(
        `could not listen for ${this.#what} on ${place}: ${errorText(cause)}`,
        {
          code: "OTR_LISTEN_FAILED",
          cause,
          details: { host, port },
        },
      );
    });
    // Accept errors are not fatal; the next one may succeed.
    server.on("error", () => undefined);
    return (server.address() as AddressInfo).port;
  }

  /** Serves another certificate to new connections. */
  renewTls(tls: TlsOptions): void {
    if ("setSecureContext" in this.#server && typeof this.#server.setSecureContext === "function") {
      this.#server.setSecureContext({ ...tls, minVersion: "TLSv1.2" });
    }
  }

  /** Idempotent. */
  async close(): Promise<void> {
    if (!this.#server.listening) return;
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }
}
