import { emptyBody, type HeaderList, type InvokeRequest, RpcCode, rpcError } from "@outrigger/core";
import type { GrpcServerCall } from "@outrigger/grpc-http2";
import { grpcMetadataToInternal, type InvokeServiceRequest } from "@outrigger/protocol";

/** A decoded `InvokeService` as the pipeline takes it. @throws OutriggerError when it names no message. */
export function toInvokeRequest(
  call: GrpcServerCall,
  headers: HeaderList,
  { id, message }: InvokeServiceRequest,
): InvokeRequest {
  if (message === undefined) {
    // The words of the callee that finds the field missing (recorded Dapr behaviour).
    throw rpcError("OTR_PROTOCOL_VIOLATION", {
      code: RpcCode.INVALID_ARGUMENT,
      message:
        "parsing InternalInvokeRequest error: request does not contain the required fields in the leading chunk",
    });
  }
  const { httpExtension, data } = message;
  const body = data?.value ?? emptyBody;
  return {
    target: id,
    method: message.method,
    http:
      httpExtension === undefined
        ? undefined
        : { verb: httpExtension.verb, query: httpExtension.querystring },
    origin: "grpc",
    metadata: grpcMetadataToInternal(headers),
    contentType: message.contentType,
    typeUrl: data?.typeUrl ?? "",
    body,
    bodyLength: body.length,
    deadlineMs: call.deadlineMs,
    signal: call.signal,
  };
}
