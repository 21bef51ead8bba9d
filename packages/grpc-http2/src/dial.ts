import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls, TLSSocket } from "node:tls";
import { joinHostPort, RpcCode } from "@outrigger/core";
import { describeSocketError } from "./socket-errors.ts";
import type { GrpcStatus } from "./status.ts";

/** Where a session goes. */
export interface DialTarget {
  readonly host: string;
  readonly port: number;
}

/** TLS of one connection, asked for at every dial so that certificates can rotate. */
export interface DialTls {
  readonly options: ConnectionOptions;
  /** Judges the peer after the handshake. Returns the reason to refuse it, if any. */
  readonly verifyPeer?: (socket: TLSSocket) => Error | undefined;
  /**
   * Told why a connection that TCP had opened came to nothing, for the log; not about what
   * `verifyPeer` refused.
   */
  readonly onFailed?: (reason: string, remote: string) => void;
}

/** Limits and windows of client sessions. */
export interface DialOptions {
  /** Bound on TCP, TLS and the first SETTINGS together, in milliseconds. */
  readonly connectTimeoutMs: number;
  readonly maxHeaderListBytes: number;
  readonly tls?: DialTls | undefined;
}

/** Bytes a peer may send on one stream before we have consumed them. */
export const streamWindowBytes: number = 512 * 1_024;
/** The same for a whole session: so large that some unread streams do not stall the others. */
export const sessionWindowBytes: number = 64 * 1_024 * 1_024;
/** Memory of one session in MB; Node's own default of 10 refuses streams under load. */
export const sessionMemoryMegabytes = 256;
/** Header fields of one message; Node's own default is 128. */
export const maxHeaderPairs = 8_192;

/** Opens a session that has received the peer's SETTINGS. Rejects with a `DialError`. */
export async function dial(target: DialTarget, options: DialOptions): Promise<ClientHttp2Session> {
  const socket = openSocket(target, options.tls);
  const scheme = options.tls === undefined ? "http" : "https";
  const session = connectHttp2(`${scheme}://${joinHostPort(target.host, target.port)}`, {
    createConnection: () => socket,
    settings: {
      enablePush: false,
      initialWindowSize: streamWindowBytes,
      maxHeaderListSize: options.maxHeaderListBytes,
    },
    maxHeaderListPairs: maxHeaderPairs,
    maxSessionMemory: sessionMemoryMegabytes,
    maxSendHeaderBlockLength: options.maxHeaderListBytes,
  });
  try {
    await established(session, socket, target, options);
    session.setLocalWindowSize(sessionWindowBytes);
    return session;
  } catch (reason) {
    session.destroy();
    socket.destroy();
    throw reason;
  }
}

/** Why no session came about, in the words of Go's gRPC library. */
export class DialError extends Error {
  readonly status: GrpcStatus;

  constructor(text: string, cause: unknown) {
    super(text, { cause });
    this.status = {
      code: RpcCode.UNAVAILABLE,
      message: `connection error: desc = "${text.replaceAll('"', '\\"')}"`,
      origin: "connection",
      cause,
    };
  }
}

function openSocket(target: DialTarget, tls: DialTls | undefined): Socket {
  const address = { host: target.host, port: target.port, noDelay: true };
  if (tls === undefined) return connectTcp(address);
  return connectTls({
    ...address,
    // An IP address is not a server name (RFC 6066 section 3).
    ...(isIP(target.host) === 0 ? { servername: target.host } : {}),
    ...tls.options,
    ALPNProtocols: ["h2"],
  });
}

function established(
  session: ClientHttp2Session,
  socket: Socket,
  target: DialTarget,
  options: DialOptions,
): Promise<void> {
  const address = joinHostPort(target.host, target.port);
  let connected = false;
  let secure = options.tls === undefined;
  return new Promise((resolve, reject) => {
    const dialing = (detail: string): string => {
      if (!connected) return `transport: Error while dialing: dial tcp ${address}: ${detail}`;
      if (!secure) return `transport: authentication handshake failed: ${detail}`;
      return `error reading server preface: ${detail}`;
    };
    let settled = false;
    const end = (error: DialError | undefined): void => {
      settled = true;
      clearTimeout(timer);
      if (error === undefined) resolve();
      else reject(error);
    };
    const fail = (detail: string, cause: unknown): void => {
      // What closes the session after its fate is known tells nothing new.
      if (settled) return;
      const text = dialing(detail);
      if (connected) options.tls?.onFailed?.(text, address);
      end(new DialError(text, cause));
    };
    const timer = setTimeout(() => {
      fail(connected ? "context deadline exceeded" : "i/o timeout", undefined);
    }, options.connectTimeoutMs);
    socket.once("connect", () => {
      connected = true;
    });
    socket.once("secureConnect", () => {
      if (!(socket instanceof TLSSocket)) return;
      if (socket.alpnProtocol !== "h2") {
        fail(noAlpn, undefined);
        return;
      }
      secure = true;
      const refusal = judge(socket, options.tls);
      if (refusal === undefined) return;
      const text = `transport: authentication handshake failed: ${refusal.message}`;
      end(new DialError(text, refusal));
    });
    socket.once("error", (error) => fail(describeSocketError(error), error));
    session.on("error", (error) => fail(describeSocketError(error), error));
    session.once("close", () => fail("EOF", undefined));
    session.once("remoteSettings", () => end(undefined));
  });
}

/** A check that throws has refused: in an event of the socket, it would end the process. */
function judge(socket: TLSSocket, tls: DialTls | undefined): Error | undefined {
  try {
    return tls?.verifyPeer?.(socket);
  } catch (reason) {
    return reason instanceof Error ? reason : new Error(String(reason));
  }
}

const noAlpn =
  "credentials: cannot check peer: missing selected ALPN property. If you upgraded from a grpc-go version earlier than 1.67, your TLS connections may have stopped working due to ALPN enforcement.";
