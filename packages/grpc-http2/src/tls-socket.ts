import type { Http2Session } from "node:http2";
import { Socket } from "node:net";
import type { TLSSocket } from "node:tls";

/** Node hides the connection of a session behind a stand-in, which is no key for anything. */
const connections = new WeakMap<Http2Session, TLSSocket>();

/** Remembers the connection of a session under TLS. */
export function rememberTls(session: Http2Session, socket: TLSSocket): void {
  connections.set(session, socket);
}

/** The connection of a session under TLS; `undefined` in plaintext. */
export function tlsOf(session: Http2Session | undefined): TLSSocket | undefined {
  return session === undefined ? undefined : connections.get(session);
}

/** The TCP connection below TLS, which knows its address when the one above has been destroyed. */
export function underlying(socket: Socket | TLSSocket): Socket {
  // Node has no public way from one to the other.
  const parent: unknown = Reflect.get(socket, "_parent");
  return parent instanceof Socket ? parent : socket;
}
