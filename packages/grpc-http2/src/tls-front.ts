import type { Http2Server, Http2Session } from "node:http2";
import type { Socket } from "node:net";
import { createServer, type Server, type TLSSocket, type TlsOptions } from "node:tls";
import { joinHostPort } from "@outrigger/core";
import { describeSocketError } from "./socket-errors.ts";
import { rememberTls, underlying } from "./tls-socket.ts";

/** How connections are taken under TLS. */
export interface TlsFrontOptions {
  readonly tls: TlsOptions;
  readonly verifyPeer: ((socket: TLSSocket) => Error | undefined) | undefined;
  readonly onRefused: ((reason: Error, remote: string) => void) | undefined;
  /** Bound on a handshake, in milliseconds. */
  readonly handshakeTimeoutMs: number;
}

/**
 * Takes connections under TLS for an HTTP/2 server. Each is judged before HTTP/2 says a word on it;
 * Node's own secure server would send its SETTINGS first.
 */
export function tlsFront(http2: Http2Server, options: TlsFrontOptions): Server {
  const { verifyPeer, onRefused } = options;
  const refuse = (reason: Error, socket: Socket | TLSSocket): void => {
    const { remoteAddress = "", remotePort = 0 } = underlying(socket);
    const text = describeSocketError(reason);
    onRefused?.(new Error(text, { cause: reason }), joinHostPort(remoteAddress, remotePort));
  };
  const tls = {
    ...options.tls,
    ALPNProtocols: ["h2"],
    noDelay: true,
    handshakeTimeout: options.handshakeTimeoutMs,
  };
  const server = createServer(tls, (socket) => {
    const refusal = socket.alpnProtocol === "h2" ? verifyPeer?.(socket) : new Error(noAlpn);
    if (refusal === undefined) {
      handOver(http2, socket);
      return;
    }
    refuse(refusal, socket);
    socket.destroy();
  });
  // Node remembers an address that was asked for; after a failed handshake it is too late.
  server.prependListener("connection", (socket: Socket) => void socket.remoteAddress);
  server.on("tlsClientError", (reason: Error, socket: TLSSocket) => {
    refuse(reason, socket);
    // Other failures close the connection by themselves; of a slow handshake Node only tells.
    if ("code" in reason && reason.code === "ERR_TLS_HANDSHAKE_TIMEOUT") socket.destroy();
  });
  return server;
}

const noAlpn = "the client did not ask for HTTP/2 by ALPN";

function handOver(http2: Http2Server, socket: TLSSocket): void {
  // The session is made and announced while the event is emitted.
  const remember = (session: Http2Session): void => rememberTls(session, socket);
  http2.prependOnceListener("session", remember);
  http2.emit("connection", socket);
  http2.removeListener("session", remember);
}
