import {
  emptyBody,
  type HeaderList,
  type InvokeResponse,
  isBuffered,
  isHttpStatus,
  RpcCode,
  readBody,
  rpcError,
} from "@outrigger/core";
import { framePrefixBytes, type GrpcServerCall, okStatus } from "@outrigger/grpc-http2";
import {
  encodeInternalInvokeResponse,
  encodeInternalInvokeResponseStream,
  type InternalInvokeResponse,
} from "@outrigger/protocol";
import { bodyFailure, writeBody } from "./answer-body.ts";
import { answerEvents } from "./answer-events.ts";
import type { ChunkBuffers } from "./chunk-buffers.ts";
import { ChunkFramer } from "./chunk-framer.ts";
import { chunkBytes, framed, joinChunks } from "./chunks.ts";
import { wantsEventStream } from "./event-stream.ts";
import { knowsWholeAnswers, wholeAnswerMetadata } from "./whole-answer.ts";

/** Answers `CallLocalStream`. */
export async function answerStreaming(
  call: GrpcServerCall,
  requestMetadata: HeaderList,
  response: InvokeResponse,
  buffers: ChunkBuffers,
): Promise<void> {
  const { code } = response.status;
  if (isHttpStatus(code) && wantsEventStream(requestMetadata)) {
    await answerEvents(call, response, buffers);
    return;
  }
  const head = toMessage(response);
  const { body } = response;
  if (isBuffered(body)) {
    if (body.length <= chunkBytes && knowsWholeAnswers(call.header("user-agent"))) {
      call.respond(wholeAnswerMetadata);
    }
    call.finish(okStatus, [], encodeBuffered(head, body));
    return;
  }
  await call.write(
    framed(encodeInternalInvokeResponseStream({ response: head }, framePrefixBytes)),
  );
  await writeBody(call, body, new ChunkFramer(buffers), buffers);
}

/** Answers `CallLocal`: everything in one message, whose size is returned. */
export async function answerUnary(
  call: GrpcServerCall,
  response: InvokeResponse,
  maxMessageBytes: number,
): Promise<number> {
  const value = await readBody(response.body, maxMessageBytes).catch((cause: unknown) => {
    if (!(cause instanceof RangeError)) throw bodyFailure(cause);
    throw tooLarge(maxMessageBytes + 1, maxMessageBytes, cause);
  });
  const message = encodeInternalInvokeResponse(
    {
      ...toMessage(response),
      message: { contentType: response.contentType, data: { typeUrl: response.typeUrl, value } },
    },
    framePrefixBytes,
  );
  const length = message.length - framePrefixBytes;
  if (length > maxMessageBytes) throw tooLarge(length, maxMessageBytes, undefined);
  call.finish(okStatus, [], framed(message));
  return length;
}

function encodeBuffered(response: InternalInvokeResponse, body: Uint8Array): Uint8Array {
  if (body.length === 0) {
    return framed(encodeInternalInvokeResponseStream({ response }, framePrefixBytes));
  }
  const payload = { data: body.subarray(0, chunkBytes), seq: 0 };
  const first = encodeInternalInvokeResponseStream({ response, payload }, framePrefixBytes);
  return joinChunks(framed(first), body);
}

function toMessage(response: InvokeResponse): InternalInvokeResponse {
  const { status, headers, trailers, contentType, typeUrl } = response;
  // A gRPC app's success has an `Any`, its failure no message at all (recorded Dapr behaviour).
  if (isHttpStatus(status.code)) return { status, headers, trailers, message: { contentType } };
  if (status.code !== 0) return { status, headers, trailers };
  return {
    status,
    headers,
    trailers,
    message: { contentType, data: { typeUrl, value: emptyBody } },
  };
}

function tooLarge(length: number, maxBytes: number, cause: unknown): Error {
  return rpcError(
    "OTR_BODY_TOO_LARGE",
    {
      code: RpcCode.RESOURCE_EXHAUSTED,
      message: `trying to send message larger than max (${length} vs. ${maxBytes})`,
    },
    { cause },
  );
}
