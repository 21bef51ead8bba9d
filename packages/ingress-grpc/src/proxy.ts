import {
  type HeaderList,
  headerValue,
  type ProxyCall,
  type ProxyResponse,
  RpcCode,
  rpcError,
  type Sidecar,
} from "@outrigger/core";
import { type GrpcServerCall, type GrpcStatus, serveProxy } from "@outrigger/grpc-http2";
import { type Admitted, namesTarget } from "./gate.ts";
import { traceMetadata } from "./trace.ts";

/** Passes a call of a user's service on to the app that its metadata names. */
export async function proxyCall(
  sidecar: Sidecar,
  call: GrpcServerCall,
  { headers, echo, trace }: Admitted,
): Promise<GrpcStatus> {
  if (!namesTarget(headers)) {
    throw rpcError("OTR_TARGET_INVALID", {
      code: RpcCode.UNKNOWN,
      message:
        "failed to proxy request: required metadata dapr-callee-app-id or dapr-app-id not found",
    });
  }
  // Behind what the client sent: readers take the first value of a key.
  const added = trace === undefined || isOwnApp(sidecar, headers) ? [] : traceMetadata(trace);
  const proxy = async (proxied: ProxyCall): Promise<ProxyResponse> => {
    const response = await sidecar.proxy(
      added.length === 0 ? proxied : { ...proxied, metadata: [...proxied.metadata, ...added] },
    );
    return echo.length === 0 ? response : { ...response, headers: [...response.headers, ...echo] };
  };
  return serveProxy(call, proxy, { headers });
}

/** Calls that stay with the own app get no trace context of the sidecar (recorded Dapr behaviour). */
function isOwnApp(sidecar: Sidecar, headers: HeaderList): boolean {
  const id = headerValue(headers, "dapr-callee-app-id") ?? headerValue(headers, "dapr-app-id");
  return id?.split(".", 1)[0] === sidecar.appId;
}
