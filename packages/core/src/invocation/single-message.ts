import type { BodyStream } from "../call.ts";
import { type OutriggerError, rpcError } from "../errors.ts";
import { RpcCode } from "../rpc-status.ts";

const prefixBytes = 5;

/**
 * The frames of a client that may send one message: the second one breaks the body off, as it could
 * not be kept for another attempt (Dapr `pkg/api/grpc/proxy/handler.go`).
 */
export class SingleMessage implements BodyStream {
  readonly #source: BodyStream;
  readonly #prefix: Uint8Array = new Uint8Array(prefixBytes);
  #seen = 0;
  #violation: OutriggerError | undefined;

  constructor(source: BodyStream) {
    this.#source = source;
  }

  /** What the client gets once it has sent more. */
  get violation(): OutriggerError | undefined {
    return this.#violation;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for await (const chunk of this.#source) {
      const length = this.#take(chunk);
      if (length > 0) yield length === chunk.length ? chunk : chunk.slice(0, length);
      if (length < chunk.length) {
        this.#violation = secondMessage();
        throw this.#violation;
      }
    }
  }

  /** Returns how much of the chunk belongs to the first message. */
  #take(chunk: Uint8Array): number {
    let taken = 0;
    while (taken < chunk.length && this.#seen < prefixBytes) {
      this.#prefix[this.#seen] = chunk[taken] as number;
      this.#seen += 1;
      taken += 1;
    }
    if (this.#seen < prefixBytes) return taken;
    const end = prefixBytes + new DataView(this.#prefix.buffer).getUint32(1);
    const rest = Math.min(chunk.length - taken, end - this.#seen);
    this.#seen += rest;
    return taken + rest;
  }
}

function secondMessage(): OutriggerError {
  return rpcError("OTR_PROTOCOL_VIOLATION", {
    code: RpcCode.FAILED_PRECONDITION,
    message: "cannot use resiliency policies with retries on streaming RPCs",
  });
}
