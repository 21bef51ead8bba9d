import type { StatusDetail } from "./call.ts";

/** Canonical RPC status codes (gRPC `statuscodes.md`). */
export const RpcCode = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

const codeNames = [
  "OK",
  "Canceled",
  "Unknown",
  "InvalidArgument",
  "DeadlineExceeded",
  "NotFound",
  "AlreadyExists",
  "PermissionDenied",
  "ResourceExhausted",
  "FailedPrecondition",
  "Aborted",
  "OutOfRange",
  "Unimplemented",
  "Internal",
  "Unavailable",
  "DataLoss",
  "Unauthenticated",
];

/** Status of an RPC between sidecars. */
export interface RpcStatus {
  readonly code: number;
  readonly message: string;
  readonly details?: readonly StatusDetail[];
}

/** Prints a status as Go's gRPC library does; Dapr's error texts embed this form. */
export function formatRpcStatus(status: RpcStatus): string {
  const name = codeNames[status.code] ?? `Code(${status.code})`;
  return `rpc error: code = ${name} desc = ${status.message}`;
}
