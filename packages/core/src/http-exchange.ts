import type { Body, ByteString, HeaderList, TraceContext } from "./call.ts";

/** An HTTP request in our own shape: no engine's object crosses this line. */
export interface HttpRequest {
  /** As received; case is the client's. */
  readonly method: string;
  /** Request target's path as received, still percent-encoded. */
  readonly path: ByteString;
  /** Raw query without `?`; empty when absent. */
  readonly query: ByteString;
  readonly headers: HeaderList;
  readonly body: Body;
  /** Declared body length in bytes; `undefined` for a streamed body of unknown length. */
  readonly bodyLength: number | undefined;
  readonly signal: AbortSignal;
  /** IP address of the client; `undefined` on unix sockets, and for requests to the app. */
  readonly remoteAddress?: string | undefined;
  /** Port of the client, where there is an address. */
  readonly remotePort?: number | undefined;
  /** Path before a pipeline changed it, where that matters: routes match on it. */
  readonly originalPath?: ByteString | undefined;
  /** Trace context for what follows, once a tracing stage has decided it. */
  readonly trace?: TraceContext | undefined;
}

/** An HTTP response in our own shape. */
export interface HttpResponse {
  readonly status: number;
  readonly headers: HeaderList;
  readonly body: Body;
}

/** Answers one request of an HTTP pipeline. */
export type HttpHandler = (request: HttpRequest) => Promise<HttpResponse>;
