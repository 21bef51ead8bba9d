import type { Http2Session } from "node:http2";
import { TLSSocket } from "node:tls";

/**
 * The connection of a session under TLS; `undefined` in plaintext. Node hands out a stand-in for
 * the socket, which is an instance of its class none the less.
 */
export function tlsOf(session: Http2Session | undefined): TLSSocket | undefined {
  const socket = session?.socket;
  return socket instanceof TLSSocket ? socket : undefined;
}
