import { RpcCode, rpcError } from "@outrigger/core";
import { answerEach, type GrpcHandler, type GrpcServerCall } from "@outrigger/grpc-http2";
import { answerReflection, reflectionServices } from "@outrigger/protocol";

const services = ["dapr.proto.internals.v1.ServiceInvocation", ...reflectionServices];

/** gRPC's reflection of the internal server. */
export const reflectionMethods: ReadonlyMap<string, GrpcHandler> = new Map(
  reflectionServices.map((service) => [`/${service}/ServerReflectionInfo`, reflect]),
);

async function reflect(call: GrpcServerCall): Promise<void> {
  // Dapr's tracing takes everything but its own services for a proxied call, reflection too.
  if ((call.header("dapr-callee-app-id") ?? call.header("dapr-app-id")) === undefined) {
    throw rpcError("OTR_TARGET_INVALID", {
      code: RpcCode.UNKNOWN,
      message: "cannot proxy request: missing dapr-callee-app-id or dapr-app-id metadata",
    });
  }
  await answerEach(call, (question) => answerReflection(question, services));
}
