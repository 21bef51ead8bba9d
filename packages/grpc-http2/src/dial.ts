import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls, type PeerCertificate } from "node:tls";
import { joinHostPort, RpcCode } from "@outrigger/core";
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
  readonly verifyPeer?: (certificate: PeerCertificate) => Error | undefined;
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
  let secured = options.tls === undefined;
  return new Promise((resolve, reject) => {
    const dialing = (detail: string): string => {
      if (!connected) return `transport: Error while dialing: dial tcp ${address}: ${detail}`;
      return secured
        ? `error reading server preface: ${detail}`
        : `transport: authentication handshake failed: ${detail}`;
    };
    const fail = (detail: string, cause: unknown): void => {
      clearTimeout(timer);
      reject(new DialError(dialing(detail), cause));
    };
    const timer = setTimeout(() => {
      fail(connected ? "context deadline exceeded" : "i/o timeout", undefined);
    }, options.connectTimeoutMs);
    socket.once("connect", () => {
      connected = true;
    });
    socket.once("secureConnect", () => {
      secured = true;
      const refusal = refusalOf(socket, options.tls);
      if (refusal === undefined) return;
      clearTimeout(timer);
      const text = `transport: authentication handshake failed: ${refusal.message}`;
      reject(new DialError(text, refusal));
    });
    socket.once("error", (error) => fail(describeSocketError(error), error));
    session.on("error", (error) => fail(describeSocketError(error), error));
    session.once("close", () => fail("EOF", undefined));
    session.once("remoteSettings", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function refusalOf(socket: Socket, tls: DialTls | undefined): Error | undefined {
  if (!("alpnProtocol" in socket)) return undefined;
  const secure = socket as import("node:tls").TLSSocket;
  if (secure.alpnProtocol !== "h2") {
    return new Error(
      "credentials: cannot check peer: missing selected ALPN property. If you upgraded from a grpc-go version earlier than 1.67, your TLS connections may have stopped working due to ALPN enforcement.",
    );
  }
  return tls?.verifyPeer?.(secure.getPeerCertificate());
}

const socketErrors: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connect: connection refused",
  ECONNRESET: "read: connection reset by peer",
  ENETUNREACH: "connect: network is unreachable",
  EHOSTUNREACH: "connect: no route to host",
  ETIMEDOUT: "i/o timeout",
  // OpenSSL's word for bytes that are no TLS.
  EPROTO: "tls: first record does not look like a TLS handshake",
};

function describeSocketError(error: Error): string {
  const code = "code" in error ? String(error.code) : "";
  if (code === "ENOTFOUND" && "hostname" in error) return `lookup ${error.hostname}: no such host`;
  return socketErrors[code] ?? error.message;
}
