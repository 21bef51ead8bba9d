import type { Writable } from "node:stream";
import type { BodyStream } from "@outrigger/core";

/** Writes a streamed body at the pace of the server. */
export async function upload(
  outgoing: Writable,
  contentLength: number | undefined,
  body: BodyStream,
): Promise<void> {
  const chunks = body[Symbol.asyncIterator]();
  // The producer of a body that nobody takes has to know, even while it waits for its own source.
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
