import {
  type BodyStream,
  emptyBody,
  freeChunk,
  type HeaderList,
  type InvokeRequest,
  type TraceContext,
} from "@outrigger/core";
import { framePrefixBytes } from "@outrigger/grpc-http2";
import {
  encodeInternalInvokeRequest,
  encodeInternalInvokeRequestStream,
  encodeTraceBin,
  type InternalInvokeRequest,
  internalApiVersion,
  parseTraceparent,
} from "@outrigger/protocol";
import type { ChunkBuffers } from "./chunk-buffers.ts";
import { ChunkFramer } from "./chunk-framer.ts";
import { chunkBytes, framed, joinChunks } from "./chunks.ts";

/** All messages of a call whose body is in memory, as one array. */
export function encodeBufferedRequest(call: InvokeRequest, body: Uint8Array): Uint8Array {
  const request = toMessage(call, emptyBody);
  if (body.length === 0) {
    return framed(encodeInternalInvokeRequestStream({ request }, framePrefixBytes));
  }
  const payload = { data: body.subarray(0, chunkBytes), seq: 0 };
  const first = encodeInternalInvokeRequestStream({ request, payload }, framePrefixBytes);
  return joinChunks(framed(first), body);
}

/** The messages of a call whose body arrives over time. What was sent goes back to the buffers. */
export async function* encodeStreamedRequest(
  call: InvokeRequest,
  body: BodyStream,
  buffers: ChunkBuffers,
): AsyncGenerator<Uint8Array, void, undefined> {
  // Before the first chunk, so that the callee can begin while the caller's app still writes.
  const request = toMessage(call, emptyBody);
  yield framed(encodeInternalInvokeRequestStream({ request }, framePrefixBytes));
  const framer = new ChunkFramer(buffers);
  for await (const chunk of body) {
    yield* framer.frame(chunk);
    freeChunk(chunk);
  }
}

/** The one message of `CallLocal`, which holds the body. */
export function encodeUnaryRequest(call: InvokeRequest, body: Uint8Array): Uint8Array {
  return framed(encodeInternalInvokeRequest(toMessage(call, body), framePrefixBytes));
}

function toMessage(call: InvokeRequest, value: Uint8Array): InternalInvokeRequest {
  // Towards `CallLocalStream` the bytes travel in payloads and only the type stays here.
  const hasData = call.typeUrl !== "" || value.length > 0 || carriesAny(call);
  return {
    ver: internalApiVersion,
    metadata: call.metadata,
    message: {
      method: call.method,
      contentType: call.contentType,
      data: hasData ? { typeUrl: call.typeUrl, value } : undefined,
      httpExtension:
        call.http === undefined
          ? undefined
          : { verb: call.http.verb, querystring: call.http.query },
    },
  };
}

function carriesAny(call: InvokeRequest): boolean {
  return call.origin === "grpc" && call.bodyLength !== 0;
}

/** Headers of the RPC itself: nothing of the app, only the trace context. */
export function traceHeaders(trace: TraceContext | undefined): HeaderList {
  if (trace === undefined) return [];
  const span = parseTraceparent(trace.traceparent);
  if (span === undefined) return [];
  return ["traceparent", trace.traceparent, "grpc-trace-bin", encodeTraceBin(span)];
}
