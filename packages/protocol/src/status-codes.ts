import { RpcCode } from "@outrigger/core";

const rpcCodes: Readonly<Record<number, number>> = {
  // 400 as INTERNAL and 500 as UNKNOWN look odd, but clients of Dapr depend on them.
  400: RpcCode.INTERNAL,
  401: RpcCode.UNAUTHENTICATED,
  403: RpcCode.PERMISSION_DENIED,
  404: RpcCode.NOT_FOUND,
  408: RpcCode.CANCELLED,
  409: RpcCode.ALREADY_EXISTS,
  429: RpcCode.RESOURCE_EXHAUSTED,
  500: RpcCode.UNKNOWN,
  501: RpcCode.UNIMPLEMENTED,
  503: RpcCode.UNAVAILABLE,
  504: RpcCode.DEADLINE_EXCEEDED,
};

const httpStatuses: Readonly<Record<number, number>> = {
  [RpcCode.OK]: 200,
  [RpcCode.CANCELLED]: 408,
  [RpcCode.UNKNOWN]: 500,
  [RpcCode.INVALID_ARGUMENT]: 400,
  [RpcCode.DEADLINE_EXCEEDED]: 504,
  [RpcCode.NOT_FOUND]: 404,
  [RpcCode.ALREADY_EXISTS]: 409,
  [RpcCode.PERMISSION_DENIED]: 403,
  [RpcCode.RESOURCE_EXHAUSTED]: 429,
  [RpcCode.FAILED_PRECONDITION]: 400,
  [RpcCode.ABORTED]: 409,
  [RpcCode.OUT_OF_RANGE]: 400,
  [RpcCode.UNIMPLEMENTED]: 501,
  [RpcCode.INTERNAL]: 500,
  [RpcCode.UNAVAILABLE]: 503,
  [RpcCode.DATA_LOSS]: 500,
  [RpcCode.UNAUTHENTICATED]: 401,
};

/** RPC code for a gRPC client whose target answered over HTTP. */
export function httpStatusToRpcCode(status: number): number {
  if (status >= 200 && status < 300) return RpcCode.OK;
  return rpcCodes[status] ?? RpcCode.UNKNOWN;
}

/** HTTP status for an HTTP client whose target answered over gRPC. */
export function rpcCodeToHttpStatus(code: number): number {
  return httpStatuses[code] ?? 500;
}
