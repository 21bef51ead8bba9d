import { answerEach, type GrpcServerCall, type GrpcStatus, okStatus } from "@outrigger/grpc-http2";
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
  await answerEach(call, (question) => answerReflection(question, services));
  call.finish(okStatus);
  return okStatus;
}
