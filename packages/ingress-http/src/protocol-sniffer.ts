import type { Server as Http1Server } from "node:http";
import type { Http2Server } from "node:http2";
import type { Socket } from "node:net";

/** First bytes of HTTP/2 with prior knowledge (RFC 9113 section 3.4). */
const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** Verbs that Node's parser and Dapr understand alike. */
const verbs = new Set([
  ...["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"],
]);

/**
 * Hands a new connection to HTTP/2 or HTTP/1.1 by its first bytes.
 * @param timeoutMs bound on their arrival.
 */
export function sniffProtocol(
  socket: Socket,
  http1: Http1Server,
  http2: Http2Server | undefined,
  timeoutMs: number,
): void {
  const onError = (): void => {
    socket.destroy();
  };
  socket.on("error", onError);
  socket.setTimeout(timeoutMs, () => socket.destroy());
  socket.once("data", (first: Buffer) => {
    socket.setTimeout(0);
    socket.removeAllListeners("timeout");
    socket.pause();
    const isHttp2 = http2 !== undefined && startsPreface(first);
    socket.unshift(isHttp2 ? first : withKnownVerb(first));
    socket.off("error", onError);
    if (isHttp2) {
      // A session takes what was put back by itself; resuming here would lose it.
      http2.emit("connection", socket);
      return;
    }
    http1.emit("connection", socket);
    socket.resume();
  });
}

function startsPreface(first: Buffer): boolean {
  const length = Math.min(first.length, preface.length);
  return length >= 3 && first.subarray(0, length).equals(preface.subarray(0, length));
}

/**
 * Node's parser refuses verbs that it does not know. Dapr takes known ones in any case and delivers
 * the rest as POST, so the first request line is brought into that form before it is parsed.
 */
function withKnownVerb(first: Buffer): Buffer {
  const space = first.indexOf(0x20);
  if (space <= 0 || space > 32) return first;
  const token = first.toString("latin1", 0, space);
  if (verbs.has(token) || !/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(token)) return first;
  const line = first.toString("latin1", space, Math.min(first.length, space + 16_384));
  if (!/^ [^ \r\n]+ HTTP\/1\.[01]\r?\n/.test(line)) return first;
  const upper = token.toUpperCase();
  const verb = verbs.has(upper) ? upper : "POST";
  return Buffer.concat([Buffer.from(verb), first.subarray(space)]);
}
