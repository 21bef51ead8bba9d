import { type HeaderList, RpcCode, rpcError, type Sidecar } from "@outrigger/core";
import { type GrpcServerCall, type GrpcStatus, serveProxy } from "@outrigger/grpc-http2";

/** Services that Dapr does not trace, so that its own proxy has to notice the missing target. */
const untraced = /^\/(dapr\.proto\.runtime\.|dapr\.proto\.internals\.|TaskHubSidecarService)/;

/** Passes a call of a user's service on to the app that its metadata names. */
export async function proxyCall(
  sidecar: Sidecar,
  call: GrpcServerCall,
  headers: HeaderList,
  tracing: boolean,
): Promise<GrpcStatus> {
  if (!namesTarget(headers) && (!tracing || untraced.test(call.path))) {
    throw rpcError("OTR_TARGET_INVALID", {
      code: RpcCode.UNKNOWN,
      message:
        "failed to proxy request: required metadata dapr-callee-app-id or dapr-app-id not found",
    });
  }
  return serveProxy(call, (proxied) => sidecar.proxy(proxied), { headers });
}

function namesTarget(headers: HeaderList): boolean {
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index];
    if (name === "dapr-callee-app-id" || name === "dapr-app-id") return true;
  }
  return false;
}
