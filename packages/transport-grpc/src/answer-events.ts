import { emptyBody, type InvokeResponse, isBuffered, RpcCode, rpcError } from "@outrigger/core";
import { framePrefixBytes, type GrpcServerCall } from "@outrigger/grpc-http2";
import { encodeInternalInvokeResponseStream } from "@outrigger/protocol";
import { bodyFailure, writeBody, writeChunk } from "./answer-body.ts";
import type { ChunkBuffers } from "./chunk-buffers.ts";
import { ChunkFramer } from "./chunk-framer.ts";
import { chunkBytes, framed } from "./chunks.ts";
import { StartedStream } from "./started-stream.ts";

/** Field 1 of a stream message, `response`, without anything in it. */
const emptyResponseField = Uint8Array.of(0x0a, 0);

/** How long the head waits for the first event, with which it shares a message in Dapr. */
const firstEventMs = 2;

/**
 * Server-sent events leave Dapr by another door: code 0, no `message`, and a `response` in every
 * message. An answer other than 2xx never gets through it (recorded Dapr behaviour). Unlike Dapr's,
 * the head does not wait for the first event, so that the client sees its stream open.
 */
export async function answerEvents(
  call: GrpcServerCall,
  response: InvokeResponse,
  buffers: ChunkBuffers,
): Promise<void> {
  await refuseFailure(response);
  const { body } = response;
  const stream = isBuffered(body) ? undefined : new StartedStream(body);
  const first = isBuffered(body) ? body : await stream?.firstWithin(firstEventMs).catch(broken);
  const data = first ?? emptyBody;
  await call.write(encodeFirst(response, data.subarray(0, chunkBytes)));
  const framer = new ChunkFramer(buffers, data.length === 0 ? 0 : 1, emptyResponseField);
  await writeChunk(call, data.subarray(chunkBytes), framer, buffers);
  if (stream !== undefined) await writeBody(call, stream, framer, buffers);
}

async function refuseFailure({ status, body }: InvokeResponse): Promise<void> {
  if (status.code >= 200 && status.code <= 299) return;
  if (!isBuffered(body)) await body[Symbol.asyncIterator]().return?.();
  throw rpcError("OTR_APP_FAILED", {
    code: RpcCode.INTERNAL,
    message: "error invoking app channel: no response received from stream",
  });
}

function encodeFirst({ headers }: InvokeResponse, data: Uint8Array): Uint8Array {
  const response = { status: { code: 0, message: "", details: [] }, headers, trailers: [] };
  const payload = data.length === 0 ? undefined : { data, seq: 0 };
  return framed(encodeInternalInvokeResponseStream({ response, payload }, framePrefixBytes));
}

function broken(cause: unknown): never {
  throw bodyFailure(cause);
}
