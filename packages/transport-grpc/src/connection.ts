import {
  type Connection,
  emptyBody,
  type InvokeRequest,
  type InvokeResponse,
  isBuffered,
  OutriggerError,
  type ProxyCall,
  type ProxyResponse,
  RpcCode,
} from "@outrigger/core";
import {
  decompress,
  type GrpcClient,
  type GrpcFrame,
  type GrpcResponse,
} from "@outrigger/grpc-http2";
import {
  decodeInternalInvokeResponse,
  decodeInternalInvokeResponseStream,
  type InternalInvokeResponse,
  type StreamPayload,
  serviceInvocationPaths,
} from "@outrigger/protocol";
import type { ChunkBuffers } from "./chunk-buffers.ts";
import { wantsEventStream } from "./event-stream.ts";
import { PayloadReader, violation } from "./payload-reader.ts";
import { proxyOut } from "./proxy.ts";
import {
  encodeBufferedRequest,
  encodeStreamedRequest,
  encodeUnaryRequest,
  traceHeaders,
} from "./request.ts";
import { toBodyError, toCallerError } from "./rpc-failure.ts";
import { isWholeAnswer } from "./whole-answer.ts";

/** The way to one peer. */
export class GrpcConnection implements Connection {
  readonly #client: GrpcClient;
  readonly #peerAppId: string;
  readonly #maxMessageBytes: number;
  readonly #buffers: ChunkBuffers;

  constructor(
    client: GrpcClient,
    peerAppId: string,
    maxMessageBytes: number,
    buffers: ChunkBuffers,
  ) {
    this.#client = client;
    this.#peerAppId = peerAppId;
    this.#maxMessageBytes = maxMessageBytes;
    this.#buffers = buffers;
  }

  async invoke(call: InvokeRequest): Promise<InvokeResponse> {
    const { body } = call;
    const response = await this.#send(
      serviceInvocationPaths.CallLocalStream,
      call,
      isBuffered(body)
        ? encodeBufferedRequest(call, body)
        : encodeStreamedRequest(call, body, this.#buffers),
    );
    const first = await response.messages.read();
    if (first !== undefined) return this.#accept(call, response, first);
    if (response.status?.code === RpcCode.UNIMPLEMENTED) return this.#invokeUnary(call);
    throw this.#failure(call, response);
  }

  proxy(call: ProxyCall): Promise<ProxyResponse> {
    return proxyOut(this.#client, call);
  }

  reset(): void {
    this.#client.reset();
  }

  #send(
    path: string,
    call: InvokeRequest,
    body: Uint8Array | AsyncIterable<Uint8Array>,
  ): Promise<GrpcResponse> {
    return this.#client.call({
      path,
      headers: traceHeaders(call.trace),
      body,
      onSent: isBuffered(body) ? undefined : (piece) => this.#buffers.giveBack(piece),
      deadlineMs: call.deadlineMs,
      signal: call.signal,
    });
  }

  async #accept(
    call: InvokeRequest,
    response: GrpcResponse,
    first: GrpcFrame,
  ): Promise<InvokeResponse> {
    try {
      const bytes = this.#decode(response, first);
      const message = decodeInternalInvokeResponseStream(
        bytes instanceof Promise ? await bytes : bytes,
      );
      const head = message.response;
      if (head?.status === undefined) {
        throw new OutriggerError(
          "response does not contain the required fields in the leading chunk",
          { code: "OTR_PEER_FAILED" },
        );
      }
      const reader = this.#bodyReader(call, response);
      reader.accept(message.payload);
      // Complete already: no stream for the consumer. A failure surfaces in the body.
      const isWhole = response.status?.code === RpcCode.OK || isWholeAnswer(response.headers);
      return toInvokeResponse(call, head, isWhole ? await reader.readQueued() : reader);
    } catch (reason) {
      response.cancel();
      throw reason;
    }
  }

  #bodyReader(call: InvokeRequest, response: GrpcResponse): PayloadReader {
    return new PayloadReader({
      messages: response.messages,
      payloadOf: (frame) => {
        const bytes = this.#decode(response, frame);
        return bytes instanceof Promise ? bytes.then(laterPayload) : laterPayload(bytes);
      },
      failure: () => {
        const { status } = response;
        return status === undefined || status.code === RpcCode.OK
          ? undefined
          : toBodyError(status, call.signal);
      },
      cancel: () => response.cancel(),
    });
  }

  /** Old peers know only `CallLocal`. */
  async #invokeUnary(call: InvokeRequest): Promise<InvokeResponse> {
    const { body } = call;
    if (!isBuffered(body)) {
      throw new OutriggerError(
        `target app '${this.#peerAppId}' is running a version of Dapr that does not support streaming-based service invocation`,
        { code: "OTR_PEER_FAILED" },
      );
    }
    const response = await this.#send(
      serviceInvocationPaths.CallLocal,
      call,
      encodeUnaryRequest(call, body),
    );
    const frame = await response.messages.read();
    // The status comes behind the message, and only OK makes the message the answer.
    if (frame !== undefined && response.status === undefined) await response.messages.read();
    if (frame === undefined || response.status?.code !== RpcCode.OK) {
      throw this.#failure(call, response);
    }
    const message = decodeInternalInvokeResponse(await this.#decode(response, frame));
    return toInvokeResponse(call, message, message.message?.data?.value ?? emptyBody);
  }

  #decode(response: GrpcResponse, frame: GrpcFrame): Uint8Array | Promise<Uint8Array> {
    if (!frame.compressed) return frame.data;
    const position = response.headers.indexOf("grpc-encoding");
    const encoding = position === -1 ? undefined : response.headers[position + 1];
    return decompress(frame, encoding, this.#maxMessageBytes);
  }

  #failure(call: InvokeRequest, response: GrpcResponse): OutriggerError {
    const { status } = response;
    if (status === undefined || status.code === RpcCode.OK) {
      // Go's word for a stream that ended without a message; Dapr passes it on.
      return new OutriggerError("EOF", { code: "OTR_PEER_FAILED" });
    }
    if (status.origin === "request" && status.cause instanceof OutriggerError) return status.cause;
    return toCallerError(status, call.signal);
  }
}

function laterPayload(bytes: Uint8Array): StreamPayload | undefined {
  const { response, payload } = decodeInternalInvokeResponseStream(bytes);
  // An empty `response` is legal: Dapr's relay of server-sent events has one in every message.
  if (
    response !== undefined &&
    (response.status !== undefined || response.hasHeaders || response.message !== undefined)
  ) {
    throw violation("response metadata found in non-leading chunk");
  }
  return payload;
}

function toInvokeResponse(
  call: InvokeRequest,
  head: InternalInvokeResponse,
  body: InvokeResponse["body"],
): InvokeResponse {
  const { status = { code: 0, message: "", details: [] }, message } = head;
  // Dapr's relay of server-sent events leaves the code at its default.
  const isEventStream = status.code === 0 && wantsEventStream(call.metadata);
  return {
    status: isEventStream ? { ...status, code: 200 } : status,
    headers: head.headers,
    trailers: head.trailers,
    contentType: message?.contentType ?? "",
    typeUrl: message?.data?.typeUrl ?? "",
    body,
  };
}
