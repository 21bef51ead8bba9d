import { type HeaderList, headerValue, RpcCode, rpcError, type Sidecar } from "@outrigger/core";
import { type GrpcServerCall, type GrpcStatus, serveProxy } from "@outrigger/grpc-http2";
import { traceMetadata, traceOf } from "./trace.ts";

/** Services that Dapr does not trace, so that its own proxy has to notice the missing target. */
const untraced = /^\/(dapr\.proto\.runtime\.|dapr\.proto\.internals\.|TaskHubSidecarService)/;

/** Passes a call of a user's service on to the app that its metadata names. */
export async function proxyCall(
  sidecar: Sidecar,
  call: GrpcServerCall,
  headers: HeaderList,
  random: (() => number) | undefined,
): Promise<GrpcStatus> {
  if (!namesTarget(headers) && (random === undefined || untraced.test(call.path))) {
    throw rpcError("OTR_TARGET_INVALID", {
      code: RpcCode.UNKNOWN,
      message:
        "failed to proxy request: required metadata dapr-callee-app-id or dapr-app-id not found",
    });
  }
  if (random === undefined || isOwnApp(sidecar, headers)) {
    return serveProxy(call, (proxied) => sidecar.proxy(proxied), { headers });
  }
  // Behind what the client sent: readers take the first value of a key.
  const trace = traceMetadata(traceOf(headers, random));
  return serveProxy(
    call,
    (proxied) => sidecar.proxy({ ...proxied, metadata: [...proxied.metadata, ...trace] }),
    { headers },
  );
}

/** Calls that stay with the own app get no trace context of the sidecar (recorded Dapr behaviour). */
function isOwnApp(sidecar: Sidecar, headers: HeaderList): boolean {
  const id = headerValue(headers, "dapr-callee-app-id") ?? headerValue(headers, "dapr-app-id");
  return id?.split(".", 1)[0] === sidecar.appId;
}

function namesTarget(headers: HeaderList): boolean {
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index];
    if (name === "dapr-callee-app-id" || name === "dapr-app-id") return true;
  }
  return false;
}
