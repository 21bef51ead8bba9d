import type { Http2Session } from "node:http2";
import { Socket } from "node:net";
import { TLSSocket } from "node:tls";

/**
 * The connection of a session under TLS; `undefined` in plaintext. Node hands out a stand-in for
 * the socket, which is an instance of its class none the less.
 */
export function tlsOf(session: Http2Session | undefined): TLSSocket | undefined {
  const socket = session?.socket;
  return socket instanceof TLSSocket ? socket : undefined;
}

/** The TCP connection below TLS, which knows its address when the one above has been destroyed. */
export function underlying(socket: Socket | TLSSocket): Socket {
  // Node has no public way from one to the other.
  const parent: unknown = Reflect.get(socket, "_parent");
  return parent instanceof Socket ? parent : socket;
}
