import { formatRpcStatus, RpcCode, type RpcStatus } from "./rpc-status.ts";

/** Every code that an Outrigger component can raise. Match on these, never on a message. */
export type OutriggerErrorCode =
  | "OTR_OPTIONS_INVALID"
  | "OTR_NOT_STARTED"
  | "OTR_STOPPED"
  | "OTR_LISTEN_FAILED"
  | "OTR_TARGET_INVALID"
  | "OTR_METHOD_INVALID"
  | "OTR_IDENTITY_REFUSED"
  | "OTR_RESOLVER_MISSING"
  | "OTR_RESOLVE_NOT_FOUND"
  | "OTR_RESOLVE_FAILED"
  | "OTR_PEER_UNAVAILABLE"
  | "OTR_PEER_UNAUTHENTICATED"
  | "OTR_PEER_FAILED"
  | "OTR_POLICY_DENIED"
  | "OTR_CIRCUIT_OPEN"
  | "OTR_APP_CHANNEL_MISSING"
  | "OTR_APP_UNREACHABLE"
  | "OTR_APP_UNHEALTHY"
  | "OTR_APP_FAILED"
  | "OTR_EXTERNAL_UNREACHABLE"
  | "OTR_EXTERNAL_FAILED"
  | "OTR_BODY_TOO_LARGE"
  | "OTR_PROTOCOL_VIOLATION"
  | "OTR_TIMEOUT"
  | "OTR_ABORTED";

/** What an error carries beside its message. */
export interface OutriggerErrorOptions {
  readonly code: OutriggerErrorCode;
  readonly cause?: unknown;
  /** Facts for logs and tests. Never tokens, keys or bodies. */
  readonly details?: Readonly<Record<string, string | number | boolean>>;
  /** The RPC status behind the error; replaces the code's own one on the wire. */
  readonly rpc?: RpcStatus;
}

// Registered, so that two copies of this package recognise each other's errors.
const brand = Symbol.for("outrigger.error");

/** The one error class. `code` is stable; the message is for people. */
export class OutriggerError extends Error {
  override readonly name = "OutriggerError";
  readonly code: OutriggerErrorCode;
  readonly details: Readonly<Record<string, string | number | boolean>>;
  readonly rpc: RpcStatus | undefined;

  constructor(message: string, options: OutriggerErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = options.code;
    this.details = options.details ?? {};
    this.rpc = options.rpc;
    Object.defineProperty(this, brand, { value: true });
  }
}

/** True for errors of any copy of this package, and of the given code when one is asked for. */
export function isOutriggerError(
  reason: unknown,
  code?: OutriggerErrorCode,
): reason is OutriggerError {
  if (!(reason instanceof Error)) return false;
  const candidate = reason as OutriggerError;
  return brand in candidate && (code === undefined || candidate.code === code);
}

/** An error that is an RPC status: its message is the printed form that Dapr embeds in error texts. */
export function rpcError(
  code: OutriggerErrorCode,
  rpc: RpcStatus,
  options: { cause?: unknown; details?: Readonly<Record<string, string | number | boolean>> } = {},
): OutriggerError {
  return new OutriggerError(formatRpcStatus(rpc), { code, rpc, ...options });
}

/**
 * RPC code of each error code, where the error carries no status of its own. Complete by type: a
 * new code does not compile until somebody decides what peers see.
 */
const rpcCodes: Readonly<Record<OutriggerErrorCode, number>> = {
  OTR_OPTIONS_INVALID: RpcCode.INVALID_ARGUMENT,
  OTR_NOT_STARTED: RpcCode.UNAVAILABLE,
  OTR_STOPPED: RpcCode.UNAVAILABLE,
  OTR_LISTEN_FAILED: RpcCode.UNAVAILABLE,
  OTR_TARGET_INVALID: RpcCode.UNKNOWN,
  OTR_METHOD_INVALID: RpcCode.INVALID_ARGUMENT,
  OTR_IDENTITY_REFUSED: RpcCode.UNAUTHENTICATED,
  OTR_RESOLVER_MISSING: RpcCode.UNKNOWN,
  OTR_RESOLVE_NOT_FOUND: RpcCode.UNKNOWN,
  OTR_RESOLVE_FAILED: RpcCode.UNKNOWN,
  OTR_PEER_UNAVAILABLE: RpcCode.UNAVAILABLE,
  OTR_PEER_UNAUTHENTICATED: RpcCode.UNAUTHENTICATED,
  OTR_PEER_FAILED: RpcCode.INTERNAL,
  OTR_POLICY_DENIED: RpcCode.PERMISSION_DENIED,
  OTR_CIRCUIT_OPEN: RpcCode.UNKNOWN,
  OTR_APP_CHANNEL_MISSING: RpcCode.INTERNAL,
  OTR_APP_UNREACHABLE: RpcCode.INTERNAL,
  OTR_APP_UNHEALTHY: RpcCode.INTERNAL,
  OTR_APP_FAILED: RpcCode.INTERNAL,
  OTR_EXTERNAL_UNREACHABLE: RpcCode.INTERNAL,
  OTR_EXTERNAL_FAILED: RpcCode.INTERNAL,
  OTR_BODY_TOO_LARGE: RpcCode.RESOURCE_EXHAUSTED,
  OTR_PROTOCOL_VIOLATION: RpcCode.INTERNAL,
  OTR_TIMEOUT: RpcCode.DEADLINE_EXCEEDED,
  OTR_ABORTED: RpcCode.CANCELLED,
};

/** The RPC status that a peer or a gRPC client gets for anything thrown. */
export function toRpcStatus(reason: unknown): RpcStatus {
  if (isOutriggerError(reason)) {
    return reason.rpc ?? { code: rpcCodes[reason.code], message: reason.message };
  }
  return { code: RpcCode.UNKNOWN, message: errorText(reason) };
}

/** The text of anything thrown. */
export function errorText(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason);
}
