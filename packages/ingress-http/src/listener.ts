import { rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import type { ListenAddress } from "@outrigger/core";

/** Where to listen. */
export type ListenTarget =
  | { readonly host: string; readonly port: number }
  | { readonly path: string };

/** One listening socket and the connections that came through it. */
export class Listener {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #target: ListenTarget;

  constructor(target: ListenTarget, onConnection: (socket: Socket) => void) {
    this.#target = target;
    this.#server = createServer({ noDelay: true }, (socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
      onConnection(socket);
    });
  }

  /** @throws Node's error when the address cannot be bound. */
  listen(): Promise<ListenAddress> {
    const target = this.#target;
    const server = this.#server;
    return new Promise((resolve, reject) => {
      const options =
        "path" in target
          ? { path: target.path }
          : { port: target.port, ...(target.host === "" ? {} : { host: target.host }) };
      // Attempts are repeated on one server, so each takes its listeners with it.
      const onError = (reason: Error): void => {
        server.off("listening", onListening);
        reject(reason);
      };
      const onListening = (): void => {
        server.off("error", onError);
        server.on("error", () => undefined);
        resolve(this.#address());
      };
      server.once("error", onError);
      server.once("listening", onListening);
      server.listen(options);
    });
  }

  /** Accepts nothing new. */
  close(): void {
    this.#server.close();
  }

  /** Ends every connection and removes a unix socket's file. */
  async destroy(): Promise<void> {
    this.close();
    for (const socket of this.#sockets) socket.destroy();
    if ("path" in this.#target) await rm(this.#target.path, { force: true });
  }

  #address(): ListenAddress {
    const address = this.#server.address();
    if (address === null || typeof address === "string") return { host: address ?? "", port: 0 };
    return { host: address.address, port: address.port };
  }
}
