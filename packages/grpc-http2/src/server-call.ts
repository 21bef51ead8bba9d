import { constants, type ServerHttp2Stream } from "node:http2";
import type { TLSSocket } from "node:tls";
import { errorText, type HeaderList, RpcCode } from "@outrigger/core";
import { decompress } from "./compression.ts";
import type { GrpcFrame } from "./frames.ts";
import { addHeaders, addStatus } from "./headers.ts";
import { MessageReader } from "./message-reader.ts";
import { sentHook } from "./sent-hook.ts";
import { type GrpcStatus, okStatus } from "./status.ts";
import { parseGrpcTimeout } from "./timeout.ts";
import { tlsOf } from "./tls-socket.ts";

/** node:http2 would add a `date`, which clients of gRPC would see as metadata that nobody wrote. */
const messagesFollow = { waitForTrailers: true, sendDate: false };
/** The same for answers that are over at once. */
export const trailersOnly: { readonly endStream: true; readonly sendDate: false } = {
  endStream: true,
  sendDate: false,
};

/** What a server call is made from. */
export interface ServerCallParts {
  readonly stream: ServerHttp2Stream;
  readonly path: string;
  readonly headers: HeaderList;
  readonly contentType: string;
  readonly maxMessageBytes: number;
  readonly now: () => number;
  /** Told whenever something is sent. */
  readonly onSend?: () => void;
}

/** One call as a server's handler sees it. */
export class GrpcServerCall {
  /** `/package.Service/Method`. */
  readonly path: string;
  /** Raw request headers, pseudo headers included. */
  readonly headers: HeaderList;
  /** As the client wrote it; the answer gets the same. */
  readonly contentType: string;
  readonly messages: MessageReader;
  /** Milliseconds since the epoch, from `grpc-timeout`. */
  readonly deadlineMs: number | undefined;
  readonly #stream: ServerHttp2Stream;
  readonly #maxMessageBytes: number;
  readonly #onSend: (() => void) | undefined;
  readonly #abort = new AbortController();
  #deadline: NodeJS.Timeout | undefined;
  #finished = false;
  #trailers: { readonly status: GrpcStatus; readonly list: HeaderList } | undefined;
  #drained: Promise<void> | undefined;
  #wakeDrained: (() => void) | undefined;

  constructor(parts: ServerCallParts) {
    this.path = parts.path;
    this.headers = parts.headers;
    this.contentType = parts.contentType;
    this.#stream = parts.stream;
    this.#maxMessageBytes = parts.maxMessageBytes;
    this.#onSend = parts.onSend;
    this.messages = new MessageReader(parts.stream, parts.maxMessageBytes);
    this.deadlineMs = this.#readDeadline(parts.now);
    this.#listen();
  }

  /** Aborted when the client cancelled, went away, or its deadline passed. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** True when nothing more can be sent. */
  get finished(): boolean {
    return this.#finished;
  }

  /** First value of a request header. */
  header(lowerCaseName: string): string | undefined {
    for (let index = 0; index < this.headers.length; index += 2) {
      if (this.headers[index] === lowerCaseName) return this.headers[index + 1];
    }
    return undefined;
  }

  /** The connection under TLS, from which a peer's certificate can be read. */
  get tls(): TLSSocket | undefined {
    return tlsOf(this.#stream.session);
  }

  /** The plain bytes of a message. @throws OutriggerError with the status for the client. */
  decode(frame: GrpcFrame): Uint8Array | Promise<Uint8Array> {
    return decompress(frame, this.header("grpc-encoding"), this.#maxMessageBytes);
  }

  /** Sends the response headers. At most once; `write` does it with none. */
  respond(headers: HeaderList = []): void {
    if (this.#finished || this.#stream.headersSent || this.#stream.destroyed) return;
    this.#onSend?.();
    this.#stream.respond(
      addHeaders({ ":status": 200, "content-type": this.contentType }, headers),
      messagesFollow,
    );
  }

  /**
   * Sends framed messages. Returns a promise when the caller should wait before the next ones.
   * @param onSent told when they have been sent: their memory is free again.
   */
  write(framed: Uint8Array, onSent?: (framed: Uint8Array) => void): Promise<void> | undefined {
    this.respond();
    if (this.#finished || !this.#stream.writable) return undefined;
    this.#onSend?.();
    if (this.#stream.write(framed, sentHook(framed, onSent))) return undefined;
    this.#drained ??= new Promise<void>((resolve) => {
      this.#wakeDrained = resolve;
    });
    return this.#drained;
  }

  /** Ends the call: with trailers, or with the headers alone when nothing was sent before. */
  finish(status: GrpcStatus = okStatus, trailers: HeaderList = [], last?: Uint8Array): void {
    if (this.#finished) return;
    if (last !== undefined) this.respond();
    this.#settle();
    if (this.#stream.destroyed) return;
    this.#onSend?.();
    this.messages.discard();
    if (!this.#stream.headersSent) {
      this.#sendTrailersOnly(status, trailers);
      this.#closeWhenSent();
      return;
    }
    this.#trailers = { status, list: trailers };
    if (last === undefined) this.#stream.end();
    else this.#stream.end(last);
  }

  #listen(): void {
    const stream = this.#stream;
    stream.on("data", (chunk: Buffer) => {
      const failure = this.messages.push(chunk);
      if (failure !== undefined) this.#refuse(failure);
    });
    stream.on("end", () => {
      // Node ends the readable side of a stream that was reset, as if it were complete.
      if (stream.aborted || stream.rstCode !== constants.NGHTTP2_NO_ERROR) {
        this.messages.end({ code: RpcCode.CANCELLED, message: "context canceled" });
      } else if (this.messages.partial) {
        this.messages.end({ code: RpcCode.INTERNAL, message: "unexpected EOF" });
      } else this.messages.end();
    });
    stream.on("drain", () => this.#wake());
    stream.on("wantTrailers", () => {
      this.#sendTrailers();
      this.#closeWhenSent();
    });
    // A broken stream shows itself by `close`; an unheard `error` would end the process.
    stream.on("error", () => undefined);
    stream.on("close", () => this.#onClose());
  }

  #sendTrailersOnly(status: GrpcStatus, trailers: HeaderList): void {
    const base = { ":status": 200, "content-type": this.contentType };
    try {
      this.#stream.respond(addHeaders(addStatus({ ...base }, status), trailers), trailersOnly);
    } catch (reason) {
      this.#stream.respond(addStatus(base, unsendable(reason)), trailersOnly);
    }
  }

  #sendTrailers(): void {
    const { status, list } = this.#trailers ?? { status: okStatus, list: [] };
    try {
      this.#stream.sendTrailers(addHeaders(addStatus({}, status), list));
    } catch (reason) {
      this.#stream.sendTrailers(addStatus({}, unsendable(reason)));
    }
  }

  /** A client that still sends after the end of the call is told to stop (RFC 9113 section 8.1). */
  #closeWhenSent(): void {
    if (this.messages.ended) return;
    setImmediate(() => {
      if (!this.#stream.destroyed) this.#stream.close(constants.NGHTTP2_NO_ERROR);
    });
  }

  #onClose(): void {
    const cancelled = { code: RpcCode.CANCELLED, message: "context canceled" };
    this.messages.end(cancelled);
    if (!this.#finished) {
      this.#settle();
      this.#abort.abort(new DOMException(cancelled.message, "AbortError"));
    }
    this.#wake();
  }

  #refuse(status: GrpcStatus): void {
    this.finish(status);
    this.#abort.abort(new DOMException(status.message, "AbortError"));
  }

  #readDeadline(now: () => number): number | undefined {
    const header = this.header("grpc-timeout");
    if (header === undefined) return undefined;
    const timeoutMs = parseGrpcTimeout(header);
    if (timeoutMs === undefined) return undefined;
    if (timeoutMs < 2_147_483_647) {
      this.#deadline = setTimeout(() => {
        this.finish({ code: RpcCode.DEADLINE_EXCEEDED, message: "context deadline exceeded" });
        this.#abort.abort(new DOMException("context deadline exceeded", "TimeoutError"));
      }, timeoutMs);
    }
    return now() + timeoutMs;
  }

  #settle(): void {
    this.#finished = true;
    clearTimeout(this.#deadline);
    this.#wake();
  }

  #wake(): void {
    this.#wakeDrained?.();
    this.#wakeDrained = undefined;
    this.#drained = undefined;
  }
}

/** A handler gave names or sizes that HTTP/2 does not carry. */
function unsendable(reason: unknown): GrpcStatus {
  return { code: RpcCode.INTERNAL, message: `trailers cannot be sent: ${errorText(reason)}` };
}
