import { type Body, isBuffered, RpcCode } from "@outrigger/core";
import type { GrpcStatus } from "./status.ts";

/** A body that was read to its end, whether it was kept or not. */
export interface CountedBody {
  /** `undefined` when it is longer than the limit. */
  readonly bytes: Uint8Array | undefined;
  readonly length: number;
}

/** Reads a whole body, of which no more than `maxBytes` are held: the rest is only counted. */
export async function readCounted(body: Body, maxBytes: number): Promise<CountedBody> {
  if (isBuffered(body)) return { bytes: body, length: body.length };
  let chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length <= maxBytes) chunks.push(chunk);
    else chunks = [];
  }
  if (length > maxBytes) return { bytes: undefined, length };
  return { bytes: chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, length), length };
}

/** The refusal to send a message that is too long, in the words of Go's gRPC library. */
export function sendTooLarge(length: number, maxBytes: number): GrpcStatus {
  return {
    code: RpcCode.RESOURCE_EXHAUSTED,
    message: `trying to send message larger than max (${length} vs. ${maxBytes})`,
  };
}
