import type { OutgoingHttpHeaders } from "node:http2";
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  constants,
  type Http2Session,
} from "node:http2";
import { type HeaderList, RpcCode } from "@outrigger/core";
import { firstValue, malformed, statusOf } from "./answer-status.ts";
import { addHeaders } from "./headers.ts";
import { MessageReader } from "./message-reader.ts";
import { sentHook } from "./sent-hook.ts";
import { type GrpcStatus, statusOfHttp, statusOfReset } from "./status.ts";
import { encodeGrpcTimeout } from "./timeout.ts";

/** One call as its caller describes it. */
export interface GrpcRequest {
  /** `/package.Service/Method`. */
  readonly path: string;
  /** Metadata with lower-case names; `-bin` values already in base64. */
  readonly headers: HeaderList;
  /** Messages with their prefixes: all in one array, which is one write, or as they come. */
  readonly body: Uint8Array | AsyncIterable<Uint8Array>;
  /** Told which piece of a body that comes over time has been sent: its memory is free again. */
  readonly onSent?: ((piece: Uint8Array) => void) | undefined;
  /** Default `application/grpc`. */
  readonly contentType?: string;
  /** Milliseconds since the epoch. Sent as `grpc-timeout` and kept here too. */
  readonly deadlineMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Limits that hold for every call of a client. */
export interface ClientCallLimits {
  readonly maxMessageBytes: number;
  readonly userAgent: string;
  readonly now: () => number;
}

/**
 * The peer's answer. It is there when the call has ended or when its head is known and the rest
 * takes longer; `status` tells which. Never rejects: a call that failed has a status.
 */
export interface GrpcResponse {
  /** Raw response headers, pseudo headers included. */
  readonly headers: HeaderList;
  readonly messages: MessageReader;
  /** Set once the call has ended; `messages.read()` returning `undefined` implies it. */
  readonly status: GrpcStatus | undefined;
  /** Raw trailers. */
  readonly trailers: HeaderList;
  /** Stops the call (RST_STREAM CANCEL). Harmless after its end. */
  cancel(): void;
}

/** A call that ended before there was a stream. */
export function failedResponse(status: GrpcStatus): GrpcResponse {
  const messages = new MessageReader({ pause: () => undefined, resume: () => undefined }, 0);
  messages.end(status);
  return { headers: [], messages, status, trailers: [], cancel: () => undefined };
}

const endStreamFlag = constants.NGHTTP2_FLAG_END_STREAM;

/** One HTTP/2 stream of a client. */
export class ClientCall implements GrpcResponse {
  headers: HeaderList = [];
  trailers: HeaderList = [];
  status: GrpcStatus | undefined;
  readonly messages: MessageReader;
  readonly #stream: ClientHttp2Stream;
  /** Kept, because a stream forgets its session when it ends. */
  readonly #session: Http2Session | undefined;
  readonly #limits: ClientCallLimits;
  readonly #request: GrpcRequest;
  readonly #onDone: () => void;
  #received: GrpcStatus | undefined;
  #deadline: NodeJS.Timeout | undefined;
  #onAbort: (() => void) | undefined;
  #onDrain: (() => void) | undefined;
  #error: Error | undefined;
  #source: AsyncIterator<Uint8Array> | undefined;
  #reset = false;

  /** @param onDone called once, when the stream needs its session no more. */
  constructor(
    session: ClientHttp2Session,
    authority: string,
    request: GrpcRequest,
    limits: ClientCallLimits,
    onDone: () => void,
  ) {
    this.#request = request;
    this.#limits = limits;
    this.#onDone = onDone;
    const isStreamed = !(request.body instanceof Uint8Array);
    const stream = session.request(requestHeaders(authority, request, limits), {
      endStream: false,
      // node:http2 ends a stream before it resets it, and the peer would take the part for the whole.
      // Waiting for trailers leaves the end to us.
      waitForTrailers: isStreamed,
    });
    if (isStreamed) {
      stream.on("wantTrailers", () => {
        if (!this.#reset) stream.sendTrailers({});
      });
    }
    this.#stream = stream;
    this.#session = this.#stream.session;
    this.messages = new MessageReader(stream, limits.maxMessageBytes);
    stream.on("response", (_headers, flags, raw?: string[]) => this.#onResponse(flags, raw ?? []));
    stream.on("trailers", (_headers, _flags, ...rest: unknown[]) => {
      this.trailers = rest[0] as HeaderList;
      this.#received = malformed(this.trailers) ?? statusOf(this.trailers);
    });
    stream.on("data", (chunk: Buffer) => {
      const failure = this.messages.push(chunk);
      if (failure !== undefined) this.#finish(failure, true);
    });
    stream.on("end", () => {
      if (this.headers.length > 0) this.#finish(this.#endStatus(), false);
    });
    stream.on("error", (error: Error) => {
      this.#error = error;
    });
    stream.on("close", () => this.#onClose());
    this.#watch();
    this.#send();
  }

  /** Resolves when there is something to hand out; see `GrpcResponse`. */
  async opened(): Promise<GrpcResponse> {
    await this.messages.settled();
    return this;
  }

  cancel(): void {
    this.#finish({ code: RpcCode.CANCELLED, message: "context canceled", origin: "abort" }, true);
  }

  #watch(): void {
    const { signal, deadlineMs } = this.#request;
    if (signal !== undefined) {
      this.#onAbort = () => this.cancel();
      signal.addEventListener("abort", this.#onAbort, { once: true });
    }
    if (deadlineMs === undefined) return;
    const remaining = Math.max(0, deadlineMs - this.#limits.now());
    // Timers above 2^31 ms fire at once; nobody waits that long.
    if (remaining < 2_147_483_647) {
      this.#deadline = setTimeout(() => this.#finish(deadlineStatus(), true), remaining);
    }
  }

  #send(): void {
    const { body } = this.#request;
    if (body instanceof Uint8Array) {
      if (body.length > 0) this.#stream.end(body);
      else this.#stream.end();
      return;
    }
    this.#pump(body).catch((cause: unknown) => {
      const message = cause instanceof Error ? cause.message : String(cause);
      this.#finish({ code: RpcCode.CANCELLED, message, origin: "request", cause }, true);
    });
  }

  async #pump(body: AsyncIterable<Uint8Array>): Promise<void> {
    const wake = (): void => this.#onDrain?.();
    this.#stream.on("drain", wake);
    const source = body[Symbol.asyncIterator]();
    this.#source = source;
    for (;;) {
      const { done, value } = await source.next();
      // The peer may answer before it has read everything; the rest is of no use to it.
      if (this.status !== undefined || !this.#stream.writable) return;
      if (done === true) break;
      if (this.#stream.write(value, sentHook(value, this.#request.onSent))) continue;
      await new Promise<void>((resolve) => {
        this.#onDrain = resolve;
      });
    }
    if (this.#stream.writable) this.#stream.end();
  }

  #onResponse(flags: number, raw: HeaderList): void {
    this.headers = raw;
    const httpStatus = Number(firstValue(raw, ":status"));
    if ((flags & endStreamFlag) !== 0) {
      this.trailers = raw;
      this.#received =
        malformed(raw) ??
        statusOf(raw) ??
        (httpStatus === 200 ? undefined : statusOfHttp(httpStatus));
      this.#finish(this.#endStatus(), false);
      return;
    }
    const contentType = firstValue(raw, "content-type") ?? "";
    if (httpStatus !== 200) {
      this.#finish(statusOf(raw) ?? statusOfHttp(httpStatus), true);
    } else if (!contentType.startsWith("application/grpc")) {
      const message = `unexpected HTTP status code received from server: 200 (OK); transport: received unexpected content-type "${contentType}"`;
      this.#finish({ code: RpcCode.UNKNOWN, message }, true);
    } else {
      const broken = malformed(raw);
      if (broken === undefined) this.messages.startGrace();
      else this.#finish(broken, true);
    }
  }

  #endStatus(): GrpcStatus {
    // The session is gone: nobody ended this stream, Node did.
    if (this.#received === undefined && this.#isSessionLost()) return this.#lossStatus();
    if (this.messages.partial) return { code: RpcCode.INTERNAL, message: "unexpected EOF" };
    if (this.#received?.code === RpcCode.DEADLINE_EXCEEDED && this.#isPastDeadline()) {
      return deadlineStatus();
    }
    return (
      this.#received ?? {
        code: RpcCode.INTERNAL,
        message: "server closed the stream without sending trailers",
      }
    );
  }

  /** A peer that keeps the deadline itself often speaks a moment before our timer fires. */
  #isPastDeadline(): boolean {
    const { deadlineMs } = this.#request;
    return deadlineMs !== undefined && this.#limits.now() >= deadlineMs - 1;
  }

  /** Without an end before: the stream was reset, or the session is gone. */
  #onClose(): void {
    if (this.status === undefined) this.#finish(this.#lossStatus(), false);
    this.#onDone();
  }

  #lossStatus(): GrpcStatus {
    const { signal } = this.#request;
    if (this.#isPastDeadline()) return deadlineStatus();
    if (signal?.aborted === true) {
      return { code: RpcCode.CANCELLED, message: "context canceled", origin: "abort" };
    }
    const { rstCode } = this.#stream;
    if (!this.#isSessionLost() && rstCode !== constants.NGHTTP2_NO_ERROR) {
      const status = statusOfReset(rstCode);
      // A refused stream was not processed at all (RFC 9113 section 8.7): as good as no connection.
      return rstCode === constants.NGHTTP2_REFUSED_STREAM
        ? { ...status, origin: "connection" }
        : status;
    }
    return {
      code: RpcCode.UNAVAILABLE,
      message: `error reading from server: ${this.#error?.message ?? "EOF"}`,
      origin: "connection",
      cause: this.#error,
    };
  }

  #isSessionLost(): boolean {
    return this.#session === undefined || this.#session.destroyed;
  }

  #finish(status: GrpcStatus, reset: boolean): void {
    if (this.status !== undefined) return;
    this.status = status;
    clearTimeout(this.#deadline);
    if (this.#onAbort !== undefined) {
      this.#request.signal?.removeEventListener("abort", this.#onAbort);
    }
    this.messages.end(status.code === RpcCode.OK ? undefined : status);
    this.#onDrain?.();
    // A failure of the producer's clean-up comes too late to mean anything to this call.
    this.#source?.return?.().catch(() => undefined);
    // Messages that came before a reset are worth nothing; those before an early answer are the answer.
    if (reset) this.messages.discard();
    if (!reset && this.#stream.writableEnded) return;
    this.#reset = true;
    // Not now: a stream that is reset in the middle of what node:http2 has read can be forgotten before
    // it has sent its last bytes, and the session then sends empty DATA frames without end.
    setImmediate(() => {
      if (!this.#stream.destroyed) this.#stream.close(constants.NGHTTP2_CANCEL);
    });
  }
}

function deadlineStatus(): GrpcStatus {
  return {
    code: RpcCode.DEADLINE_EXCEEDED,
    message: "context deadline exceeded",
    origin: "deadline",
  };
}

function requestHeaders(
  authority: string,
  request: GrpcRequest,
  limits: ClientCallLimits,
): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = {
    ":method": "POST",
    ":path": request.path,
    ":authority": authority,
    "content-type": request.contentType ?? "application/grpc",
    te: "trailers",
  };
  if (request.deadlineMs !== undefined) {
    headers["grpc-timeout"] = encodeGrpcTimeout(request.deadlineMs - limits.now());
  }
  addHeaders(headers, request.headers);
  headers["user-agent"] ??= limits.userAgent;
  return headers;
}
