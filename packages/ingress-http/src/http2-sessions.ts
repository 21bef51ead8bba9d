import { constants, type Http2Session, type Http2Stream } from "node:http2";

/** Streams that clients break off on one session within a second, before it is ended. */
export const maxResetsPerSecond = 1_000;

/**
 * Closes a session that is idle, and one that breaks off its requests faster than any client that
 * wants answers.
 */
export function watchSession(session: Http2Session, idleTimeoutMs: number): void {
  let openStreams = 0;
  let resets = 0;
  let countedSince = 0;
  const onReset = (): void => {
    const now = performance.now();
    if (now - countedSince >= 1_000) {
      countedSince = now;
      resets = 0;
    }
    resets += 1;
    if (resets !== maxResetsPerSecond + 1) return;
    // Not now: node:http2 may be in the middle of what it has read.
    setImmediate(() => session.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM));
  };
  session.on("stream", (stream: Http2Stream) => {
    openStreams += 1;
    stream.once("close", () => {
      openStreams -= 1;
      if (stream.aborted || stream.rstCode !== constants.NGHTTP2_NO_ERROR) onReset();
    });
  });
  // Quiet streams are legal: only a session that has none counts as idle.
  session.setTimeout(idleTimeoutMs, () => {
    if (openStreams === 0) session.destroy();
  });
}
