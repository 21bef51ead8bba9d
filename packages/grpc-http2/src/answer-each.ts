import { rpcError } from "@outrigger/core";
import { frameMessage } from "./frames.ts";
import type { GrpcServerCall } from "./server-call.ts";

/**
 * One answer for each message of a bidirectional call, as they come; leaves the end to the caller.
 * @throws OutriggerError `OTR_ABORTED` when the client's messages broke off, and what `answer` throws.
 */
export async function answerEach(
  call: GrpcServerCall,
  answer: (message: Uint8Array) => Uint8Array,
): Promise<void> {
  for await (const frame of call.messages) {
    if (call.finished) break;
    const drained = call.write(frameMessage(answer(await call.decode(frame))));
    if (drained !== undefined) await drained;
  }
  const { failure } = call.messages;
  if (failure !== undefined) throw rpcError("OTR_ABORTED", failure);
}
