import type { Server as Http1Server } from "node:http";
import type { Http2Server } from "node:http2";
import type { Socket } from "node:net";
import { replaceRequestLine } from "./request-line.ts";

/** First bytes of HTTP/2 with prior knowledge (RFC 9113 section 3.4). */
export const preface: Buffer = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

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
    socket.unshift(isHttp2 ? first : replaceRequestLine(socket, first));
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
