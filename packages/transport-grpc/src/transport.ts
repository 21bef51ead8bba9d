import {
  type ComponentContext,
  type ComponentFactory,
  type Connection,
  type Endpoint,
  errorText,
  joinHostPort,
  type ListenAddress,
  OutriggerError,
  type ResolveRequest,
  type Transport,
  type TransportFeatures,
  type TransportHandler,
} from "@outrigger/core";
import { GrpcClient, GrpcServer } from "@outrigger/grpc-http2";
import { calleeMethods } from "./callee.ts";
import { CalleeTracing } from "./callee-tracing.ts";
import { ChunkBuffers } from "./chunk-buffers.ts";
import { GrpcConnection } from "./connection.ts";
import { type ParsedOptions, parseTransportOptions, type TransportGrpcOptions } from "./options.ts";
import { PeerIdentities } from "./peer-identities.ts";
import { proxyIn } from "./proxy.ts";
import { toGrpcStatus } from "./rpc-failure.ts";

/** Pooled clients above which unused ones are dropped: endpoints come and go with their pods. */
const maxIdleClients = 1_024;

/** Pause before a taken port is tried again. */
const bindPauseMs = 100;

/** Sidecar to sidecar over gRPC, as Dapr 1.18 speaks it. */
export function transportGrpc(options: TransportGrpcOptions = {}): ComponentFactory<Transport> {
  const parsed = parseTransportOptions(options);
  return (context) => new GrpcTransport(parsed, context);
}

class GrpcTransport implements Transport {
  readonly name = "transport-grpc";
  readonly features: TransportFeatures = { streams: true, remote: true };
  readonly #options: ParsedOptions;
  readonly #context: ComponentContext;
  readonly #clients: Map<string, GrpcClient> = new Map();
  readonly #peers: PeerIdentities;
  readonly #buffers: ChunkBuffers = new ChunkBuffers();
  #server: GrpcServer | undefined;
  #unsubscribe: (() => void) | undefined;
  #stopped = false;

  constructor(options: ParsedOptions, context: ComponentContext) {
    this.#options = options;
    this.#context = context;
    this.#peers = new PeerIdentities(context);
  }

  connect(endpoint: Endpoint, peer: ResolveRequest): Connection {
    const { maxMessageBytes } = this.#options;
    const client = this.#client(endpoint, peer);
    return new GrpcConnection(client, peer.appId, maxMessageBytes, this.#buffers);
  }

  async listen(handler: TransportHandler, signal: AbortSignal): Promise<ListenAddress> {
    signal.throwIfAborted();
    const { host, port, maxMessageBytes, maxHeaderListBytes, unknownMethod, onRpc } = this.#options;
    if (this.#server !== undefined) {
      throw new OutriggerError("transport-grpc listens already", { code: "OTR_LISTEN_FAILED" });
    }
    const tracing = new CalleeTracing(this.#context);
    const callee = { handler, peers: this.#peers, tracing, onRpc };
    const server = new GrpcServer({
      methods: calleeMethods(callee, maxMessageBytes, this.#buffers),
      unknownMethod: unknownMethod ?? proxyIn(handler, this.#peers, tracing),
      maxMessageBytes,
      maxHeaderListBytes,
      toStatus: toGrpcStatus,
      now: this.#context.now,
      ...this.#peers.server(),
    });
    this.#unsubscribe = this.#context.identity?.onRotate(() => server.renewTls());
    const address = await this.#bind(server, host, port, signal);
    this.#server = server;
    return address;
  }

  /** A restart in place needs its own port back, which takes the system a moment to free. */
  async #bind(
    server: GrpcServer,
    host: string,
    port: number,
    signal: AbortSignal,
  ): Promise<ListenAddress> {
    const endsAt = performance.now() + this.#options.bindRetryMs;
    for (;;) {
      try {
        return await server.listen(host, port);
      } catch (reason) {
        if (this.#options.fallbackToFreePort) return server.listen(host, 0);
        if (performance.now() + bindPauseMs > endsAt) throw listenFailed(reason);
        await new Promise((resolve) => setTimeout(resolve, bindPauseMs));
        signal.throwIfAborted();
      }
    }
  }

  async drain(signal: AbortSignal): Promise<void> {
    await this.#server?.drain(signal);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    const server = this.#server;
    this.#server = undefined;
    for (const client of this.#clients.values()) client.close();
    this.#clients.clear();
    await server?.close();
  }

  /** A connection that proved to be one app is never used for another one at the same address. */
  #client(endpoint: Endpoint, peer: ResolveRequest): GrpcClient {
    const address = joinHostPort(endpoint.host, endpoint.port);
    const { identity } = this.#context;
    const key = identity === undefined ? address : `${address}/${peer.namespace}/${peer.appId}`;
    const pooled = this.#clients.get(key);
    if (pooled !== undefined) return pooled;
    if (this.#clients.size >= maxIdleClients) this.#dropUnused();
    const { connectTimeoutMs, maxMessageBytes, maxHeaderListBytes } = this.#options;
    const client = new GrpcClient(endpoint, {
      connectTimeoutMs,
      maxMessageBytes,
      maxHeaderListBytes,
      now: this.#context.now,
      ...this.#peers.client(peer),
    });
    if (this.#stopped) client.close();
    else this.#clients.set(key, client);
    return client;
  }

  #dropUnused(): void {
    for (const [key, client] of this.#clients) {
      if (client.sessionCount === 0) this.#clients.delete(key);
    }
  }
}

function listenFailed(cause: unknown): OutriggerError {
  return new OutriggerError(`failed to start internal gRPC server: ${errorText(cause)}`, {
    code: "OTR_LISTEN_FAILED",
    cause,
  });
}
