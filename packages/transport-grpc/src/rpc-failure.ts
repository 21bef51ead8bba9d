import {
  formatRpcStatus,
  OutriggerError,
  type OutriggerErrorCode,
  RpcCode,
  type RpcStatus,
  rpcError,
  toRpcStatus,
} from "@outrigger/core";
import type { GrpcStatus } from "@outrigger/grpc-http2";
import { decodeStatus, encodeStatus } from "@outrigger/protocol";

const errorCodes: Readonly<Record<number, OutriggerErrorCode>> = {
  [RpcCode.UNAVAILABLE]: "OTR_PEER_UNAVAILABLE",
  [RpcCode.UNAUTHENTICATED]: "OTR_PEER_UNAUTHENTICATED",
  [RpcCode.PERMISSION_DENIED]: "OTR_POLICY_DENIED",
};

/** The error behind a call that ended with a status other than OK. */
export function toCallerError(status: GrpcStatus, signal: AbortSignal): OutriggerError {
  const rpc = toRpc(status);
  if (status.origin === "abort") {
    return rpcError("OTR_ABORTED", rpc, { cause: signal.reason });
  }
  // A peer's own DEADLINE_EXCEEDED, before the call's deadline, is a failure like any other.
  const code =
    status.origin === "deadline" ? "OTR_TIMEOUT" : (errorCodes[status.code] ?? "OTR_PEER_FAILED");
  return rpcError(code, rpc, status.cause === undefined ? {} : { cause: status.cause });
}

/** A failure in the middle of the answer's body. */
export function toBodyError(status: GrpcStatus, signal: AbortSignal): OutriggerError {
  const { code, rpc } = toCallerError(status, signal);
  return new OutriggerError(
    `error receiving message: ${formatRpcStatus({ code: status.code, message: status.message })}`,
    { code, cause: status.cause, ...(rpc === undefined ? {} : { rpc }) },
  );
}

/** The status that a peer gets for anything thrown. */
export function toGrpcStatus(reason: unknown): GrpcStatus {
  const { code, message, details = [] } = toRpcStatus(reason);
  if (details.length === 0) return { code, message };
  return { code, message, detailsBin: encodeStatus({ code, message, details }) };
}

function toRpc(status: GrpcStatus): RpcStatus {
  const { code, message, detailsBin } = status;
  if (detailsBin === undefined) return { code, message };
  try {
    return { code, message, details: decodeStatus(detailsBin).details };
  } catch {
    // Details explain an error; broken ones must not replace it.
    return { code, message };
  }
}
