import { rpcError } from "@outrigger/core";
import {
  frameMessage,
  type GrpcServerCall,
  type GrpcStatus,
  okStatus,
} from "@outrigger/grpc-http2";
import { answerReflection, reflectionServices } from "@outrigger/protocol";

const taskHub = "TaskHubSidecarService";

/** What Dapr's API server lists, in its order. */
const services = [taskHub, "dapr.proto.runtime.v1.Dapr", ...reflectionServices];

/** Methods by which workflow SDKs reach Dapr; the sidecar has the name and no workflows. */
export const taskHubMethods: ReadonlyMap<string, string> = new Map(
  [
    ...["Hello", "StartInstance", "GetInstance", "WaitForInstanceStart", "RaiseEvent"],
    ...["WaitForInstanceCompletion", "TerminateInstance", "SuspendInstance", "ResumeInstance"],
    ...["PurgeInstances", "GetWorkItems", "CompleteActivityTask", "CompleteOrchestratorTask"],
  ].map((name) => [`/${taskHub}/${name}`, "workflow"]),
);

/** Answers gRPC's reflection: one answer for each question. */
export async function reflect(call: GrpcServerCall): Promise<GrpcStatus> {
  for await (const frame of call.messages) {
    if (call.finished) break;
    const answer = answerReflection(await call.decode(frame), services);
    const drained = call.write(frameMessage(answer));
    if (drained !== undefined) await drained;
  }
  const { failure } = call.messages;
  if (failure !== undefined) throw rpcError("OTR_ABORTED", failure);
  call.finish(okStatus);
  return okStatus;
}
