import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { goQuote, RpcCode, rpcError } from "@outrigger/core";
import { type GrpcFrame, messageTooLarge } from "./frames.ts";
import type { GrpcStatus } from "./status.ts";

const unzip = promisify(gunzip);

/**
 * The plain bytes of a message: the very same array when it is not compressed.
 * @throws OutriggerError with the RPC status for the peer: `RESOURCE_EXHAUSTED` above `maxBytes`,
 *   `UNIMPLEMENTED` for an unknown encoding, `INTERNAL` for broken data.
 */
export function decompress(
  frame: GrpcFrame,
  encoding: string | undefined,
  maxBytes: number,
): Uint8Array | Promise<Uint8Array> {
  if (!frame.compressed) return frame.data;
  if (encoding === "gzip") return unzipBounded(frame.data, maxBytes);
  if (encoding === undefined || encoding === "" || encoding === "identity") {
    throw violation({
      code: RpcCode.INTERNAL,
      message: "grpc: compressed flag set with identity or empty encoding",
    });
  }
  throw violation(unknownEncoding(encoding));
}

/** True for what `decompress` can read; an absent header stands for no compression. */
export function isKnownEncoding(
  encoding: string | undefined,
): encoding is "" | "gzip" | "identity" | undefined {
  return encoding === undefined || known.has(encoding);
}

const known: ReadonlySet<string> = new Set(["", "gzip", "identity"]);

/** The refusal of a compression that is not known, in the words of Go's gRPC library. */
export function unknownEncoding(encoding: string): GrpcStatus {
  return {
    code: RpcCode.UNIMPLEMENTED,
    message: `grpc: Decompressor is not installed for grpc-encoding ${goQuote(encoding)}`,
  };
}

async function unzipBounded(data: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  try {
    return await unzip(data, { maxOutputLength: Math.max(1, maxBytes) });
  } catch (cause) {
    if (cause instanceof RangeError) throw violation(messageTooLarge(maxBytes + 1, maxBytes));
    throw violation({
      code: RpcCode.INTERNAL,
      message: `grpc: failed to decompress the received message: ${(cause as Error).message}`,
    });
  }
}

function violation(status: GrpcStatus): Error {
  return rpcError("OTR_PROTOCOL_VIOLATION", status);
}
