import { rm } from "node:fs/promises";
import {
  type ComponentContext,
  errorText,
  type Ingress,
  type IngressFactory,
  joinHostPort,
  type ListenAddress,
  OutriggerError,
  type Sidecar,
} from "@outrigger/core";
import type { GrpcServer } from "@outrigger/grpc-http2";
import { createApiServers } from "./api-server.ts";
import { bindWithRetry } from "./bind.ts";
import { type IngressGrpcOptions, type IngressSettings, parseIngressOptions } from "./options.ts";

/** Dapr's gRPC API for the local app, and the door of proxied calls. */
export function ingressGrpc(options: IngressGrpcOptions = {}): IngressFactory {
  const settings = parseIngressOptions(options);
  return (context, sidecar) => new GrpcIngress(settings, context, sidecar);
}

class GrpcIngress implements Ingress {
  readonly name = "ingress-grpc";
  readonly #settings: IngressSettings;
  readonly #context: ComponentContext;
  readonly #createServer: () => GrpcServer;
  #servers: GrpcServer[] = [];
  #addresses: ListenAddress[] = [];
  #socketPath: string | undefined;
  #started: Promise<void> | undefined;

  constructor(settings: IngressSettings, context: ComponentContext, sidecar: Sidecar) {
    this.#settings = settings;
    this.#context = context;
    this.#createServer = createApiServers(settings, context, sidecar);
  }

  addresses(): readonly ListenAddress[] {
    return this.#addresses;
  }

  start(signal: AbortSignal): Promise<void> {
    this.#started ??= this.#listen(signal);
    return this.#started;
  }

  async drain(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.drain(signal)));
  }

  async stop(): Promise<void> {
    const servers = this.#servers;
    this.#servers = [];
    this.#addresses = [];
    await Promise.all(servers.map((server) => server.close()));
    if (this.#socketPath !== undefined) await rm(this.#socketPath, { force: true });
    this.#socketPath = undefined;
  }

  async #listen(signal: AbortSignal): Promise<void> {
    const { unixSocketPath, hosts } = this.#settings;
    if (unixSocketPath !== undefined) await this.#listenUnix(unixSocketPath, signal);
    else await Promise.all(hosts.map((host) => this.#listenTcp(host, signal)));
    if (this.#servers.length > 0) {
      const port = this.#addresses[0]?.port ?? this.#settings.port;
      this.#context.log.log("info", `API gRPC server is running on port ${port}`);
      return;
    }
    signal.throwIfAborted();
    throw new OutriggerError("failed to start API gRPC server: could not listen on any endpoint", {
      code: "OTR_LISTEN_FAILED",
    });
  }

  async #listenTcp(host: string, signal: AbortSignal): Promise<void> {
    const { port } = this.#settings;
    // Users write IPv6 addresses in brackets, as Dapr joins them with the port.
    const address = host.replace(/^\[(.*)\]$/, "$1");
    const { bindTimeoutMs } = this.#settings;
    const endpoint = `TCP address ${joinHostPort(address, port)}`;
    await this.#attempt(endpoint, bindTimeoutMs, signal, async (server) => {
      this.#addresses.push(await server.listen(address, port));
    });
  }

  async #listenUnix(path: string, signal: AbortSignal): Promise<void> {
    // Unlike a port, a path is not freed by waiting: Dapr tries it once, too.
    await this.#attempt(`UNIX socket ${path}`, 0, signal, async (server) => {
      await server.listenUnix(path);
      this.#socketPath = path;
    });
  }

  /** An address that fails is skipped: others may do. */
  async #attempt(
    endpoint: string,
    timeoutMs: number,
    signal: AbortSignal,
    listen: (server: GrpcServer) => Promise<void>,
  ): Promise<void> {
    const { log } = this.#context;
    try {
      const attempt = async (): Promise<GrpcServer> => {
        const server = this.#createServer();
        await listen(server);
        return server;
      };
      this.#servers.push(await bindWithRetry(attempt, timeoutMs, signal));
      log.log("info", `gRPC server listening on ${endpoint}`);
    } catch (reason) {
      log.log(
        "error",
        `Failed to listen for gRPC server on ${endpoint} with error: ${errorText(reason)}`,
      );
    }
  }
}
