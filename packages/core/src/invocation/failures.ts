import { isOutriggerError, OutriggerError, rpcError } from "../errors.ts";
import { RpcCode } from "../rpc-status.ts";

/** True for failures after which another attempt is safe and may help. */
export function isRetryable(reason: unknown): boolean {
  return (
    isOutriggerError(reason, "OTR_PEER_UNAVAILABLE") ||
    isOutriggerError(reason, "OTR_PEER_UNAUTHENTICATED")
  );
}

/** The error of a target that stayed unreachable, in Dapr's words. */
export function retriesExhausted(target: string, retries: number, last: Error): OutriggerError {
  return new OutriggerError(
    `failed to invoke target ${target} after ${retries} retries. Error: ${last.message}`,
    { code: "OTR_PEER_UNAVAILABLE", cause: last, details: { target, retries } },
  );
}

/** The app is known to be unwell, so it is not bothered. */
export function unhealthyError(): OutriggerError {
  return rpcError("OTR_APP_UNHEALTHY", {
    code: RpcCode.INTERNAL,
    message: "app is not in a healthy state",
  });
}
