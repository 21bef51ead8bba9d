import { constants, createServer, type Http2Session, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo, Server as NetServer, Socket } from "node:net";
import type { TLSSocket, TlsOptions, Server as TlsServer } from "node:tls";
import { errorText, type HeaderList, OutriggerError, RpcCode, toRpcStatus } from "@outrigger/core";
import {
  maxHeaderPairs,
  sessionMemoryMegabytes,
  sessionWindowBytes,
  streamWindowBytes,
} from "./dial.ts";
import { addStatus } from "./headers.ts";
import { daprKeepAlive, KeepAlive, type KeepAliveTimes } from "./keep-alive.ts";
import { GrpcServerCall, trailersOnly } from "./server-call.ts";
import type { GrpcStatus } from "./status.ts";
import { parseGrpcTimeout } from "./timeout.ts";
import { tlsFront } from "./tls-front.ts";

/** Answers one call. What it throws becomes the call's status. */
export type GrpcHandler = (call: GrpcServerCall) => Promise<void>;

/** Options of a server. Sizes in bytes. */
export interface GrpcServerOptions {
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
  readonly #sessions: Map<Http2Session, KeepAlive> = new Map();
  readonly #calls: Map<Http2Session, number> = new Map();
  readonly #sockets: Set<Socket> = new Set();
  #server: NetServer | TlsServer | undefined;
  #draining = false;

  constructor(options: GrpcServerOptions) {
    this.#options = options;
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
    const options = {
      settings: {
        initialWindowSize: streamWindowBytes,
        maxHeaderListSize: maxHeaderListBytes,
        maxConcurrentStreams: 0xff_ff_ff_ff,
      },
      maxHeaderListPairs: maxHeaderPairs,
      maxSessionMemory: sessionMemoryMegabytes,
      maxSendHeaderBlockLength: maxHeaderListBytes,
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
      tls === undefined ? http2 : tlsFront(http2, { tls: tls(), verifyPeer, onRefused });
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
    this.#calls.set(session, 0);
    const { keepAlive = daprKeepAlive } = this.#options;
    this.#sessions.set(
      session,
      new KeepAlive(session, keepAlive, () => this.#calls.get(session) ?? 0),
    );
    session.once("close", () => {
      this.#sessions.delete(session);
      this.#calls.delete(session);
    });
  }

  #onStream(stream: ServerHttp2Stream, headers: HeaderList): void {
    const { session } = stream;
    if (session === undefined) return;
    this.#count(session, 1);
    stream.once("close", () => this.#count(session, -1));
    const pseudo = readHead(headers);
    const refusal = refuse(pseudo);
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
    });
    const handler =
      this.#options.methods.get(pseudo.path) ?? this.#options.unknownMethod ?? unimplemented;
    handler(call).then(
      () => call.finish(),
      (reason: unknown) => call.finish((this.#options.toStatus ?? toRpcStatus)(reason)),
    );
  }

  #count(session: Http2Session, change: number): void {
    const calls = this.#calls.get(session);
    if (calls === undefined) return;
    this.#calls.set(session, calls + change);
    this.#sessions.get(session)?.touch();
  }
}

interface Head {
  readonly method: string;
  readonly path: string;
  readonly contentType: string;
  readonly timeout: string | undefined;
}

function readHead(headers: HeaderList): Head {
  let method = "";
  let path = "";
  let contentType = "";
  let timeout: string | undefined;
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index];
    const value = headers[index + 1] as string;
    if (name === ":method") method = value;
    else if (name === ":path") path = value;
    else if (name === "content-type") contentType = value;
    else if (name === "grpc-timeout") timeout = value;
  }
  return { method, path, contentType, timeout };
}

/** Requests that are not gRPC get what Go's gRPC library answers. */
function refuse(head: Head): { httpStatus: number; status: GrpcStatus } | undefined {
  if (head.method !== "POST") {
    const message = `Received a HEADERS frame with :method "${head.method}" which should be POST`;
    return { httpStatus: 405, status: { code: RpcCode.INTERNAL, message } };
  }
  if (!/^application\/grpc($|[+;])/.test(head.contentType)) {
    const message = `invalid gRPC request content-type "${head.contentType}"`;
    return { httpStatus: 415, status: { code: RpcCode.INVALID_ARGUMENT, message } };
  }
  if (head.timeout !== undefined && parseGrpcTimeout(head.timeout) === undefined) {
    const message = `malformed grpc-timeout: "${head.timeout}"`;
    return { httpStatus: 400, status: { code: RpcCode.INTERNAL, message } };
  }
  if (!head.path.startsWith("/")) {
    const message = `malformed method name: "${head.path}"`;
    return { httpStatus: 200, status: { code: RpcCode.UNIMPLEMENTED, message } };
  }
  return undefined;
}

async function unimplemented(call: GrpcServerCall): Promise<void> {
  const [, service = "", method = ""] = /^\/(.*)\/([^/]*)$/.exec(call.path) ?? [];
  const message = `unknown method ${method} for service ${service}`;
  call.finish({ code: RpcCode.UNIMPLEMENTED, message });
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
