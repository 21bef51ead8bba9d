import type { ClientHttp2Session } from "node:http2";
import { joinHostPort, RpcCode } from "@outrigger/core";
import {
  ClientCall,
  type ClientCallLimits,
  failedResponse,
  type GrpcRequest,
  type GrpcResponse,
} from "./client-call.ts";
import { DialError, type DialTarget, type DialTls, dial } from "./dial.ts";
import { daprKeepAlive, KeepAlive, type KeepAliveTimes } from "./keep-alive.ts";
import type { GrpcStatus } from "./status.ts";

/** Options of a client. Sizes in bytes, times in milliseconds. */
export interface GrpcClientOptions {
  /** Bound on establishing a connection: TCP, TLS and SETTINGS. Default 5000. */
  readonly connectTimeoutMs?: number;
  /** Largest message that a peer may send. Default 4 MiB. */
  readonly maxMessageBytes?: number;
  /** Largest header list, sent as SETTINGS_MAX_HEADER_LIST_SIZE. Default 4 MiB. */
  readonly maxHeaderListBytes?: number;
  /** Calls that share one session before another one is opened. Default 100, as in Dapr. */
  readonly maxStreamsPerSession?: number;
  /** Sessions at the same time; beyond them the calls share. Default 100, which is 10000 calls. */
  readonly maxSessions?: number;
  /** Default: ping after 10 s of silence, 5 s for the answer, close after 3 min without calls. */
  readonly keepAlive?: KeepAliveTimes;
  /** Default `outrigger`. */
  readonly userAgent?: string;
  /** Asked at every dial; absent means plaintext. */
  readonly tls?: () => DialTls;
  /** Milliseconds since the epoch. Default `Date.now`. */
  readonly now?: () => number;
}

interface Session {
  /** Calls under way and calls that wait for the dial. */
  streams: number;
  opened: ClientHttp2Session | undefined;
  readonly opening: Promise<ClientHttp2Session>;
  keepAlive: KeepAlive | undefined;
}

const closedStatus: GrpcStatus = {
  code: RpcCode.CANCELLED,
  message: "grpc: the client connection is closing",
  origin: "connection",
};

/** Calls to one address over as many sessions as its load needs. Dials when first used. */
export class GrpcClient {
  readonly #target: DialTarget;
  readonly #authority: string;
  readonly #options: GrpcClientOptions;
  readonly #limits: ClientCallLimits;
  readonly #keepAlive: KeepAliveTimes;
  readonly #maxStreams: number;
  readonly #maxSessions: number;
  #sessions: Session[] = [];
  #retired: Set<ClientHttp2Session> = new Set();
  #closed = false;

  constructor(target: DialTarget, options: GrpcClientOptions = {}) {
    this.#target = target;
    this.#authority = joinHostPort(target.host, target.port);
    this.#options = options;
    this.#keepAlive = options.keepAlive ?? daprKeepAlive;
    this.#maxStreams = options.maxStreamsPerSession ?? 100;
    this.#maxSessions = options.maxSessions ?? 100;
    this.#limits = {
      maxMessageBytes: options.maxMessageBytes ?? 4_194_304,
      userAgent: options.userAgent ?? "outrigger",
      now: options.now ?? Date.now,
    };
  }

  /** Sessions that take calls, for tests and metrics. */
  get sessionCount(): number {
    return this.#sessions.length;
  }

  /** Starts a call. Never rejects: whatever goes wrong is the response's status. */
  call(request: GrpcRequest): Promise<GrpcResponse> {
    if (this.#closed) return Promise.resolve(failedResponse(closedStatus));
    if (request.signal?.aborted === true) return Promise.resolve(failedResponse(abortedStatus));
    const session = this.#sessions.find((each) => this.#hasRoom(each)) ?? this.#openOrShare();
    session.streams += 1;
    const { opened } = session;
    if (opened === undefined) return this.#callWhenOpen(session, request);
    return this.#start(session, opened, request);
  }

  /** The next call dials anew. Calls under way end as they can. */
  reset(): void {
    const sessions = this.#sessions;
    this.#sessions = [];
    for (const session of sessions) this.#retire(session);
  }

  /** Ends all calls and sessions. */
  close(): void {
    this.#closed = true;
    this.reset();
    for (const session of this.#retired) session.destroy();
  }

  /** Streams that a peer does not admit yet wait in node:http2, as long as their calls do. */
  #openOrShare(): Session {
    if (this.#sessions.length < this.#maxSessions) return this.#open();
    let least: Session | undefined;
    for (const session of this.#sessions) {
      if (isLost(session)) continue;
      if (least === undefined || session.streams < least.streams) least = session;
    }
    return least ?? this.#open();
  }

  #hasRoom(session: Session): boolean {
    if (isLost(session)) return false;
    const { opened } = session;
    const remote = opened?.remoteSettings.maxConcurrentStreams ?? this.#maxStreams;
    return session.streams < Math.min(this.#maxStreams, remote);
  }

  #open(): Session {
    const session: Session = {
      streams: 0,
      opened: undefined,
      keepAlive: undefined,
      opening: dial(this.#target, {
        connectTimeoutMs: this.#options.connectTimeoutMs ?? 5_000,
        maxHeaderListBytes: this.#options.maxHeaderListBytes ?? 4_194_304,
        tls: this.#options.tls?.(),
      }),
    };
    this.#sessions.push(session);
    session.opening.then(
      (opened) => this.#onOpen(session, opened),
      () => this.#remove(session),
    );
    return session;
  }

  #onOpen(session: Session, opened: ClientHttp2Session): void {
    session.opened = opened;
    session.keepAlive = new KeepAlive(opened, this.#keepAlive, () => session.streams);
    // The calls carry the outcome; the session's own error would only repeat it.
    opened.on("error", () => undefined);
    opened.once("goaway", () => this.#remove(session));
    opened.once("close", () => {
      this.#remove(session);
      this.#retired.delete(opened);
    });
    this.#retired.add(opened);
    if (!this.#sessions.includes(session)) {
      if (this.#closed) opened.destroy();
      else if (session.streams === 0) opened.close();
    }
  }

  /** A session that was reset while it was in use closes with its last call. */
  #release(session: Session): void {
    session.streams -= 1;
    session.keepAlive?.touch();
    if (session.streams === 0 && !this.#sessions.includes(session)) this.#retire(session);
  }

  #remove(session: Session): void {
    this.#sessions = this.#sessions.filter((each) => each !== session);
  }

  #retire(session: Session): void {
    if (session.opened !== undefined && !session.opened.destroyed) session.opened.close();
  }

  async #callWhenOpen(session: Session, request: GrpcRequest): Promise<GrpcResponse> {
    const gaveUp = givenUp(request, this.#limits.now);
    try {
      const opened = await Promise.race([session.opening, gaveUp.promise]);
      if ("code" in opened) {
        session.streams -= 1;
        return failedResponse(opened);
      }
      return await this.#start(session, opened, request);
    } catch (reason) {
      session.streams -= 1;
      return failedResponse(statusOfDial(reason));
    } finally {
      gaveUp.dispose();
    }
  }

  #start(
    session: Session,
    opened: ClientHttp2Session,
    request: GrpcRequest,
  ): Promise<GrpcResponse> {
    session.keepAlive?.touch();
    try {
      const call = new ClientCall(opened, this.#authority, request, this.#limits, () => {
        this.#release(session);
      });
      return call.opened();
    } catch (cause) {
      // The session closed in this very moment, or a header cannot be sent.
      session.streams -= 1;
      return Promise.resolve(failedResponse(statusOfStart(opened, cause)));
    }
  }
}

/** A lost session is told by its streams before it closes itself. */
function isLost({ opened }: Session): boolean {
  return opened !== undefined && (opened.closed || opened.destroyed);
}

const abortedStatus: GrpcStatus = {
  code: RpcCode.CANCELLED,
  message: "context canceled",
  origin: "abort",
};

function statusOfStart(session: ClientHttp2Session, cause: unknown): GrpcStatus {
  const message = cause instanceof Error ? cause.message : String(cause);
  return session.closed || session.destroyed
    ? { code: RpcCode.UNAVAILABLE, message, origin: "connection", cause }
    : { code: RpcCode.INTERNAL, message, origin: "request", cause };
}

function statusOfDial(reason: unknown): GrpcStatus {
  if (reason instanceof DialError) return reason.status;
  const message = reason instanceof Error ? reason.message : String(reason);
  return { code: RpcCode.UNAVAILABLE, message, origin: "connection", cause: reason };
}

/** Resolves when the caller's signal or deadline ends the wait for a connection. */
function givenUp(
  { signal, deadlineMs }: GrpcRequest,
  now: () => number,
): { readonly promise: Promise<GrpcStatus>; dispose(): void } {
  let timer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  const promise = new Promise<GrpcStatus>((resolve) => {
    onAbort = () => resolve(abortedStatus);
    signal?.addEventListener("abort", onAbort, { once: true });
    if (deadlineMs === undefined) return;
    const remaining = Math.min(2_147_483_647, Math.max(0, deadlineMs - now()));
    timer = setTimeout(() => {
      resolve({
        code: RpcCode.DEADLINE_EXCEEDED,
        message: "context deadline exceeded",
        origin: "deadline",
      });
    }, remaining);
  });
  return {
    promise,
    dispose: () => {
      clearTimeout(timer);
      if (onAbort !== undefined) signal?.removeEventListener("abort", onAbort);
    },
  };
}
