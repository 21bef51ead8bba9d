import {
  emptyBody,
  errorText,
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
import { chunkBytes, chunkFrames, framed, joinChunks } from "./chunks.ts";
import { wantsEventStream } from "./event-stream.ts";

/** Answers `CallLocalStream`. */
export async function answerStreaming(
  call: GrpcServerCall,
  requestMetadata: HeaderList,
  response: InvokeResponse,
): Promise<void> {
  const { code } = response.status;
  if (isHttpStatus(code) && wantsEventStream(requestMetadata)) {
    await answerEventStream(call, response);
    return;
  }
  const head = toMessage(response);
  const { body } = response;
  if (isBuffered(body)) {
    call.finish(okStatus, [], encodeBuffered(head, body));
    return;
  }
  await call.write(
    framed(encodeInternalInvokeResponseStream({ response: head }, framePrefixBytes)),
  );
  let seq = 0;
  await copyBody(call, response, (chunk) => {
    const { bytes, nextSeq } = chunkFrames(chunk, seq);
    seq = nextSeq;
    return bytes;
  });
}

/** Answers `CallLocal`: everything in one message. */
export async function answerUnary(
  call: GrpcServerCall,
  response: InvokeResponse,
  maxMessageBytes: number,
): Promise<void> {
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
}

/**
 * Server-sent events leave Dapr by another door: code 0, no `message`, and a `response` in every
 * message. An answer other than 2xx never gets through it (recorded Dapr behaviour).
 */
async function answerEventStream(call: GrpcServerCall, response: InvokeResponse): Promise<void> {
  const { code } = response.status;
  const { body } = response;
  if (code < 200 || code > 299) {
    if (!isBuffered(body)) await body[Symbol.asyncIterator]().return?.();
    throw rpcError("OTR_APP_FAILED", {
      code: RpcCode.INTERNAL,
      message: "error invoking app channel: no response received from stream",
    });
  }
  const head: InternalInvokeResponse = {
    status: { code: 0, message: "", details: [] },
    headers: response.headers,
    trailers: [],
  };
  if (isBuffered(body) && body.length === 0) {
    const only = encodeInternalInvokeResponseStream({ response: head }, framePrefixBytes);
    call.finish(okStatus, [], framed(only));
    return;
  }
  // At once, so that the client sees its stream open before the first event.
  call.respond();
  let seq = 0;
  await copyBody(call, response, (chunk) => {
    const pieces: Uint8Array[] = [];
    for (let start = 0; start < chunk.length; start += chunkBytes) {
      const payload = { data: chunk.subarray(start, start + chunkBytes), seq };
      const part = { response: seq === 0 ? head : laterHead, payload };
      pieces.push(framed(encodeInternalInvokeResponseStream(part, framePrefixBytes)));
      seq += 1;
    }
    return Buffer.concat(pieces);
  });
  if (seq === 0 && !call.finished) {
    const only = encodeInternalInvokeResponseStream({ response: head }, framePrefixBytes);
    await call.write(framed(only));
  }
}

const laterHead: InternalInvokeResponse = { headers: [], trailers: [] };

async function copyBody(
  call: GrpcServerCall,
  { body }: InvokeResponse,
  encode: (chunk: Uint8Array) => Uint8Array,
): Promise<void> {
  if (isBuffered(body)) {
    await call.write(encode(body));
    return;
  }
  try {
    for await (const chunk of body) {
      if (call.finished) return;
      if (chunk.length > 0) await call.write(encode(chunk));
    }
  } catch (cause) {
    throw bodyFailure(cause);
  }
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

/** The app broke off in the middle of its answer. */
function bodyFailure(cause: unknown): Error {
  return rpcError(
    "OTR_APP_FAILED",
    { code: RpcCode.UNKNOWN, message: errorText(cause) },
    { cause },
  );
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
