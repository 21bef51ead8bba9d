import type { ClientHttp2Stream, OutgoingHttpHeaders } from "node:http2";
import { constants } from "node:http2";
import { abortError, type Body, isBuffered, joinHostPort, writeBody } from "@outrigger/core";
import type { Engine, EngineResponse } from "./engine.ts";
import {
  Http2Failure,
  headTooLargeFailure,
  lostFailure,
  refusedFailure,
  resetFailure,
} from "./http2-errors.ts";
import { http2Headers, joinRepeated } from "./http2-headers.ts";
import { Http2Sessions, type Lease } from "./http2-sessions.ts";
import type { ChannelSettings } from "./options.ts";
import type { RequestHead } from "./request-head.ts";
import { type Answer, responseBody } from "./response-body.ts";

/** How often a request that the app refused unseen is sent. */
const maxAttempts = 3;

/** Requests over cleartext HTTP/2 with prior knowledge. */
export class Http2Engine implements Engine {
  readonly #sessions: Http2Sessions;
  readonly #authority: string;
  readonly #maxHeaderBytes: number;

  constructor(settings: ChannelSettings) {
    this.#maxHeaderBytes = settings.maxResponseHeaderBytes;
    this.#sessions = new Http2Sessions(settings);
    this.#authority = joinHostPort(settings.host, settings.port);
  }

  async exchange(
    head: RequestHead,
    body: Body,
    signal: AbortSignal,
    onClose: () => void,
  ): Promise<EngineResponse> {
    const headers = http2Headers(head, this.#authority);
    for (let attempt = 1; ; attempt++) {
      try {
        const lease = await this.#sessions.acquire(signal);
        if (signal.aborted) {
          lease.release();
          throw abortError(signal);
        }
        const stream = openStream(lease, headers, isBuffered(body) && body.length === 0);
        return await new Exchange(stream, lease, this.#maxHeaderBytes, signal, onClose).run(
          head,
          body,
        );
      } catch (reason) {
        if (attempt < maxAttempts && isRepeatable(reason, body)) continue;
        onClose();
        throw reason;
      }
    }
  }

  close(): void {
    this.#sessions.close();
  }
}

/** What the app has not looked at may be sent again, whatever the method (RFC 9113 section 8.7). */
function isRepeatable(reason: unknown, body: Body): boolean {
  return reason instanceof Http2Failure && reason.isUnprocessed && isBuffered(body);
}

function openStream(
  lease: Lease,
  headers: OutgoingHttpHeaders,
  endStream: boolean,
): ClientHttp2Stream {
  const { session } = lease;
  try {
    return session.request(headers, { endStream });
  } catch (reason) {
    if (isSingleValue(reason)) return session.request(joinRepeated(headers), { endStream });
    lease.release();
    // The session ended in this very moment: nothing was sent.
    if (session.closed || session.destroyed) throw lostFailure(true, reason);
    throw reason;
  }
}

/** Node refuses to repeat some fields. */
function isSingleValue(reason: unknown): boolean {
  return (reason as { code?: string }).code === "ERR_HTTP2_HEADER_SINGLE_VALUE";
}

/** One request on one stream. */
class Exchange implements Answer {
  readonly stream: ClientHttp2Stream;
  declaredLength: string | undefined;
  readonly #lease: Lease;
  readonly #maxHeaderBytes: number;
  readonly #signal: AbortSignal;
  readonly #onClose: () => void;
  #answered = false;
  #ownFailure: Error | undefined;

  constructor(
    stream: ClientHttp2Stream,
    lease: Lease,
    maxHeaderBytes: number,
    signal: AbortSignal,
    onClose: () => void,
  ) {
    this.#maxHeaderBytes = maxHeaderBytes;
    this.stream = stream;
    this.#lease = lease;
    this.#signal = signal;
    this.#onClose = onClose;
  }

  run(head: RequestHead, body: Body): Promise<EngineResponse> {
    const { stream } = this;
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.cancel();
        reject(abortError(this.#signal));
      };
      this.#signal.addEventListener("abort", onAbort, { once: true });
      stream.once("response", (fields, _flags, rawHeaders) => {
        this.#answered = true;
        if (headerListBytes(rawHeaders) > this.#maxHeaderBytes) {
          this.#breakOff(headTooLargeFailure(), reject);
          return;
        }
        const status = fields[":status"] ?? 0;
        this.declaredLength = fields["content-length"];
        responseBody(this, this.#signal).then((received) => {
          resolve({ status, headers: rawHeaders, body: received });
        }, reject);
      });
      // Nobody reads the rest of a request that is answered.
      stream.once("end", () => {
        if (!stream.writableEnded) this.cancel();
      });
      stream.on("error", (reason) => reject(this.failure(reason)));
      stream.once("close", () => {
        this.#signal.removeEventListener("abort", onAbort);
        this.#lease.release();
        // A refused request goes on with another stream, and its caller's slot with it.
        if (this.#answered) this.#onClose();
        else reject(this.failure(undefined) ?? lostFailure(false));
      });
      this.#send(head, body, reject);
    });
  }

  /** How the answer failed; `undefined` for a whole one. */
  failure(reason: Error | undefined): Error | undefined {
    if (this.#ownFailure !== undefined) return this.#ownFailure;
    const { id, rstCode } = this.stream;
    const { session } = this.#lease;
    if (!this.#answered && rstCode === constants.NGHTTP2_REFUSED_STREAM) {
      return refusedFailure(id);
    }
    const isLost = session.destroyed || session.closed;
    if (!this.#answered && isLost) return lostFailure(this.#lease.isRefused(id), reason);
    if (rstCode !== undefined && rstCode !== 0) {
      return isLost ? lostFailure(false, reason) : resetFailure(id, rstCode);
    }
    return reason;
  }

  cancel(): void {
    // Not now: a stream that is reset in the middle of what node:http2 has read can be forgotten
    // before it has sent its last bytes, and the session then sends empty DATA frames without end.
    setImmediate(() => {
      if (this.stream.destroyed) return;
      this.stream.close(constants.NGHTTP2_CANCEL);
      this.stream.destroy();
    });
  }

  #send(head: RequestHead, body: Body, reject: (reason: Error) => void): void {
    if (isBuffered(body)) {
      if (body.length > 0) this.stream.end(body);
      return;
    }
    writeBody(this.stream, head.contentLength, body).catch((reason: unknown) => {
      // Half a request must not pass for a whole one, nor the answer that was under way.
      this.#breakOff(reason instanceof Error ? reason : new Error(String(reason)), reject);
    });
  }

  #breakOff(reason: Error, reject: (reason: Error) => void): void {
    this.#ownFailure ??= reason;
    reject(this.#ownFailure);
    this.cancel();
  }
}

/** As RFC 9113 section 6.5.2 counts it: Node announces the limit, and lets larger lists pass. */
function headerListBytes(rawHeaders: readonly string[]): number {
  let bytes = 0;
  for (const text of rawHeaders) bytes += text.length + 16;
  return bytes;
}
