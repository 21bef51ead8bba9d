import type { Writable } from "node:stream";
import type { BodyStream } from "@outrigger/core";
import type { RequestHead } from "./request-head.ts";

/** Writes a streamed body at the pace of the app. */
export async function writeBody(
  outgoing: Writable,
  head: RequestHead,
  body: BodyStream,
): Promise<void> {
  let sent = 0;
  for await (const chunk of body) {
    sent += chunk.length;
    if (head.contentLength !== undefined && sent > head.contentLength) break;
    if (outgoing.destroyed || outgoing.writableEnded) return;
    if (!outgoing.write(chunk)) await drained(outgoing);
  }
  if (head.contentLength !== undefined && sent !== head.contentLength) {
    throw new Error(`http: ContentLength=${head.contentLength} with Body length ${sent}`);
  }
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
