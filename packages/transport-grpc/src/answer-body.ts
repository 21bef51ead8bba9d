import { type BodyStream, errorText, freeChunk, RpcCode, rpcError } from "@outrigger/core";
import type { GrpcServerCall } from "@outrigger/grpc-http2";
import type { ChunkBuffers } from "./chunk-buffers.ts";
import type { ChunkFramer } from "./chunk-framer.ts";

/** Sends a streamed body at the pace of its reader. @throws OutriggerError when it breaks off. */
export async function writeBody(
  call: GrpcServerCall,
  body: BodyStream,
  framer: ChunkFramer,
  buffers: ChunkBuffers,
): Promise<void> {
  try {
    for await (const chunk of body) {
      if (call.finished) return;
      await writeChunk(call, chunk, framer, buffers);
      freeChunk(chunk);
    }
  } catch (cause) {
    throw bodyFailure(cause);
  }
}

/** Sends one chunk of a body. */
export async function writeChunk(
  call: GrpcServerCall,
  chunk: Uint8Array,
  framer: ChunkFramer,
  buffers: ChunkBuffers,
): Promise<void> {
  for (const piece of framer.frame(chunk)) {
    const drained = call.write(piece, (sent) => buffers.giveBack(sent));
    if (drained !== undefined) await drained;
  }
}

/** The app broke off in the middle of its answer. */
export function bodyFailure(cause: unknown): Error {
  return rpcError(
    "OTR_APP_FAILED",
    { code: RpcCode.UNKNOWN, message: errorText(cause) },
    { cause },
  );
}
