import type { ProxyCall, ProxyResponse, TransportHandler } from "@outrigger/core";
import { callProxy, type GrpcClient, type GrpcHandler, serveProxy } from "@outrigger/grpc-http2";
import type { CalleeTracing } from "./callee-tracing.ts";
import type { PeerIdentities } from "./peer-identities.ts";
import { toCallerError } from "./rpc-failure.ts";

/** The caller's half of a proxied call: frames go out as they came in. */
export function proxyOut(client: GrpcClient, call: ProxyCall): Promise<ProxyResponse> {
  return callProxy(client, call, call.metadata, (status) => toCallerError(status, call.signal));
}

/** The callee's half, for every path that is not Dapr's own. */
export function proxyIn(
  handler: TransportHandler,
  peers: PeerIdentities,
  tracing: CalleeTracing,
): GrpcHandler {
  return async (call) => {
    const peer = peers.of(call);
    await tracing.runProxied(call, () =>
      serveProxy(call, (proxied) => handler.proxy({ ...proxied, peer })),
    );
  };
}
