import { constants, createServer, type Http2Session, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo, Server as NetServer, Socket } from "node:net";
import type { TLSSocket, TlsOptions, Server as TlsServer } from "node:tls";
import { errorText, type HeaderList, OutriggerError, toRpcStatus } from "@outrigger/core";
import {
  maxHeaderPairs,
  sessionMemoryMegabytes,
  sessionWindowBytes,
  streamWindowBytes,
} from "./dial.ts";
import { addStatus } from "./headers.ts";
import { daprKeepAlive, KeepAlive, type KeepAliveTimes } from "./keep-alive.ts";
import { readHead, refuse, unimplemented } from "./request-head.ts";
import { GrpcServerCall, trailersOnly } from "./server-call.ts";
import { defaultLimits, SessionGuard, type SessionLimits } from "./session-guard.ts";
import type { GrpcStatus } from "./status.ts";
import { tlsFront } from "./tls-front.ts";

/** Answers one call. What it throws becomes the call's status. */
export type GrpcHandler = (call: GrpcServerCall) => Promise<void>;

/**
 * Options of a server. Sizes in bytes. The limits of one client's session: 10 000 open streams (which
 * are not announced, like Dapr's lack of a limit), 1 000 broken-off streams a second, 8 s between pings.
 */
export interface GrpcServerOptions extends Partial<SessionLimits> {
  /** Handlers by path. */
  readonly methods: ReadonlyMap<string, GrpcHandler>;
  /** Takes every other path, for example to proxy it. Without it they are UNIMPLEMENTED. */
  readonly unknownMethod?: GrpcHandler | undefined;
  /** Largest message that a client may send. Default 4 MiB. */
  readonly maxMessageBytes?: number;
  /** SETTINGS_MAX_HEADER_LIST_SIZE. Default 4 MiB. */
  readonly maxHeaderListBytes?: number;
  /** Default: ping after 10 s of silence, 5 s for the answer, GOAWAY after 3 min without calls. */
  readonly keepAlive?: KeepAliveTimes;
  /** Present means TLS; asked for at `listen` and at `renewTls`. */
  readonly tls?: () => TlsOptions;
  /**
   * Judges a client under TLS before anything of it is read. Returns the reason to refuse the
   * connection, if any.
   */
  readonly verifyPeer?: (socket: TLSSocket) => Error | undefined;
  /** Bound on a TLS handshake, in milliseconds. Default 10000. */
  readonly handshakeTimeoutMs?: number;
  /** Told about each connection that TLS or `verifyPeer` refused, for the log. */
  readonly onRefused?: (reason: Error, remote: string) => void;
  /** Turns what a handler threw into the status of the call. Default: core's RPC status, without details. */
  readonly toStatus?: (reason: unknown) => GrpcStatus;
  /** Milliseconds since the epoch. Default `Date.now`. */
  readonly now?: () => number;
}

/** A gRPC server on one port that serves known methods and passes on all others. */
export class GrpcServer {
  readonly #options: GrpcServerOptions;
  readonly #limits: SessionLimits;
  readonly #sessions: Map<Http2Session, Watch> = new Map();
  readonly #sockets: Set<Socket> = new Set();
  #server: NetServer | TlsServer | undefined;
  #draining = false;

  constructor(options: GrpcServerOptions) {
    this.#options = options;
    this.#limits = { ...defaultLimits, ...options };
  }

  /**
   * @param host an address; empty means all of both families, or of IPv4 where there is no IPv6.
   * @param port 0 picks a free one.
   * @throws OutriggerError `OTR_LISTEN_FAILED`.
   */
  async listen(host: string, port: number): Promise<{ host: string; port: number }> {
    const server = this.#create();
    this.#server = server;
    try {
      await bind(server, host === "" ? "::" : host, port);
    } catch (reason) {
      const code = reason instanceof Error && "code" in reason ? reason.code : undefined;
      if (host !== "" || (code !== "EAFNOSUPPORT" && code !== "EADDRNOTAVAIL")) {
        throw listenFailed(host, port, reason);
      }
      await bind(server, "0.0.0.0", port).catch((cause: unknown) => {
        throw listenFailed(host, port, cause);
      });
    }
    // Accept errors (for example no file descriptors left) are not fatal; the next one may succeed.
    server.on("error", () => undefined);
    const address = server.address() as AddressInfo;
    return { host: address.address, port: address.port };
  }

  /** Listens on a Unix domain socket, which must not exist. @throws OutriggerError `OTR_LISTEN_FAILED`. */
  async listenUnix(path: string): Promise<void> {
    const server = this.#create();
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once("error", (cause) => reject(listenFailed(path, 0, cause)));
      server.listen({ path }, resolve);
    });
    server.on("error", () => undefined);
  }

  /** Uses the certificates of now for new connections. */
  renewTls(): void {
    const { tls } = this.#options;
    if (tls !== undefined && this.#server !== undefined && "setSecureContext" in this.#server) {
      this.#server.setSecureContext(tls());
    }
  }

  /** Refuses new calls (GOAWAY) and resolves when those under way have ended or the signal aborts. */
  async drain(signal: AbortSignal): Promise<void> {
    this.#draining = true;
    const closed = Promise.all([...this.#sessions.keys()].map((session) => sessionClosed(session)));
    this.#server?.close();
    for (const session of this.#sessions.keys()) session.close();
    let onAbort: (() => void) | undefined;
    const aborted = new Promise<void>((resolve) => {
      onAbort = resolve;
      if (signal.aborted) resolve();
      else signal.addEventListener("abort", onAbort, { once: true });
    });
    await Promise.race([closed, aborted]);
    if (onAbort !== undefined) signal.removeEventListener("abort", onAbort);
  }

  /** Ends everything at once. Idempotent. */
  async close(): Promise<void> {
    this.#draining = true;
    const server = this.#server;
    this.#server = undefined;
    for (const session of this.#sessions.keys()) session.destroy();
    // Connections that have not got as far as a session would hold up the close.
    for (const socket of this.#sockets) socket.destroy();
    if (server === undefined) return;
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
  }

  #create(): NetServer | TlsServer {
    const { maxHeaderListBytes = 4_194_304, tls, verifyPeer, onRefused } = this.#options;
    const { handshakeTimeoutMs = 10_000 } = this.#options;
    const options = {
      settings: {
        initialWindowSize: streamWindowBytes,
        maxHeaderListSize: maxHeaderListBytes,
        maxConcurrentStreams: 0xff_ff_ff_ff,
      },
      maxHeaderListPairs: maxHeaderPairs,
      maxSessionMemory: sessionMemoryMegabytes,
      maxSendHeaderBlockLength: maxHeaderListBytes,
      // nghttp2's own guard allows 33 resets a second; it stays as the second line of defence.
      streamResetBurst: this.#limits.maxResetsPerSecond * 2,
      streamResetRate: this.#limits.maxResetsPerSecond,
      noDelay: true,
    };
    const http2 = createServer(options);
    http2.on("session", (session: Http2Session) => this.#onSession(session));
    // What a peer does wrong concerns its own session, which closes by itself.
    http2.on("sessionError", () => undefined);
    http2.on(
      "stream",
      (stream: ServerHttp2Stream, _headers: unknown, _flags: number, raw?: string[]) => {
        this.#onStream(stream, raw ?? []);
      },
    );
    const server =
      tls === undefined
        ? http2
        : tlsFront(http2, { tls: tls(), verifyPeer, onRefused, handshakeTimeoutMs });
    server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    return server;
  }

  #onSession(session: Http2Session): void {
    if (this.#draining) {
      session.destroy();
      return;
    }
    session.setLocalWindowSize(sessionWindowBytes);
    const { keepAlive = daprKeepAlive } = this.#options;
    const guard = new SessionGuard(session, this.#limits);
    const alive = new KeepAlive(session, keepAlive, () => guard.openStreams);
    this.#sessions.set(session, { guard, alive });
    session.once("close", () => this.#sessions.delete(session));
  }

  #onStream(stream: ServerHttp2Stream, headers: HeaderList): void {
    const { session } = stream;
    const watch = session === undefined ? undefined : this.#sessions.get(session);
    if (watch === undefined || !watch.guard.admit(stream)) return;
    const { guard, alive } = watch;
    alive.touch();
    stream.once("close", () => {
      guard.left(stream);
      alive.touch();
    });
    const pseudo = readHead(headers);
    const method = this.#options.methods.get(pseudo.path);
    const refusal = refuse(pseudo, headers, method !== undefined);
    if (refusal !== undefined) {
      stream.on("error", () => undefined);
      stream.respond(
        addStatus(
          { ":status": refusal.httpStatus, "content-type": "application/grpc" },
          refusal.status,
        ),
        trailersOnly,
      );
      stream.close(constants.NGHTTP2_NO_ERROR);
      return;
    }
    const call = new GrpcServerCall({
      stream,
      path: pseudo.path,
      headers,
      contentType: pseudo.contentType,
      maxMessageBytes: this.#options.maxMessageBytes ?? 4_194_304,
      now: this.#options.now ?? Date.now,
      onSend: () => guard.sent(),
    });
    const handler = method ?? this.#options.unknownMethod ?? unimplemented;
    handler(call).then(
      () => call.finish(),
      (reason: unknown) => call.finish((this.#options.toStatus ?? toRpcStatus)(reason)),
    );
  }
}

/** What is kept of a session. */
interface Watch {
  readonly guard: SessionGuard;
  readonly alive: KeepAlive;
}

function bind(server: NetServer, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, () => {
      server.removeListener("error", reject);
      resolve();
    });
  });
}

function listenFailed(host: string, port: number, cause: unknown): OutriggerError {
  return new OutriggerError(
    `could not listen for gRPC on ${host || "all addresses"} port ${port}: ${errorText(cause)}`,
    { code: "OTR_LISTEN_FAILED", cause, details: { host, port } },
  );
}

function sessionClosed(session: Http2Session): Promise<void> {
  return new Promise((resolve) => {
    session.once("close", () => resolve());
  });
}
