import type { Writable } from "node:stream";
import type { BodyStream } from "./call.ts";

/**
 * Writes a streamed body at the pace of whoever reads it, and ends the stream. When the stream closes
 * before, the body is released at once, even while it waits for its own source.
 * @param contentLength declared length in bytes; `undefined` when unknown.
 * @throws Error in the words of Go's HTTP client when the body has another length than declared;
 *   whatever the body itself throws.
 */
export async function writeBody(
  outgoing: Writable,
  contentLength: number | undefined,
  body: BodyStream,
): Promise<void> {
  const chunks = body[Symbol.asyncIterator]();
  const release = (): void => void chunks.return?.().catch(() => undefined);
  outgoing.once("close", release);
  let sent = 0;
  for (;;) {
    const { done, value } = await chunks.next();
    if (outgoing.destroyed || outgoing.writableEnded) return;
    if (done === true) break;
    sent += value.length;
    if (contentLength !== undefined && sent > contentLength) break;
    if (!outgoing.write(value)) await drained(outgoing);
  }
  if (contentLength !== undefined && sent !== contentLength) {
    throw new Error(`http: ContentLength=${contentLength} with Body length ${sent}`);
  }
  outgoing.off("close", release);
  outgoing.end();
}

function drained(outgoing: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      outgoing.off("drain", done);
      outgoing.off("close", done);
      resolve();
    };
    outgoing.on("drain", done);
    outgoing.on("close", done);
    // The write itself may have found the connection gone.
    if (outgoing.destroyed) done();
  });
}
