const dapr = "/dapr.proto.runtime.v1.Dapr/";

/** Full method paths of `dapr.proto.internals.v1.ServiceInvocation`, the API between sidecars. */
export const serviceInvocationPaths = {
  CallLocal: "/dapr.proto.internals.v1.ServiceInvocation/CallLocal",
  CallLocalStream: "/dapr.proto.internals.v1.ServiceInvocation/CallLocalStream",
  CallActor: "/dapr.proto.internals.v1.ServiceInvocation/CallActor",
  CallActorReminder: "/dapr.proto.internals.v1.ServiceInvocation/CallActorReminder",
  CallActorStream: "/dapr.proto.internals.v1.ServiceInvocation/CallActorStream",
} as const;

/** Full method paths of `dapr.proto.runtime.v1.Dapr` that belong to service invocation. */
export const daprPaths = {
  InvokeService: "/dapr.proto.runtime.v1.Dapr/InvokeService",
  GetMetadata: "/dapr.proto.runtime.v1.Dapr/GetMetadata",
  SetMetadata: "/dapr.proto.runtime.v1.Dapr/SetMetadata",
  Shutdown: "/dapr.proto.runtime.v1.Dapr/Shutdown",
} as const;

/** Full method paths of the services that a gRPC app implements. */
export const appPaths = {
  OnInvoke: "/dapr.proto.runtime.v1.AppCallback/OnInvoke",
  HealthCheck: "/dapr.proto.runtime.v1.AppCallbackHealthCheck/HealthCheck",
} as const;

/** Methods of the service `Dapr` that other building blocks own, by building block. */
const foreignMethods: Readonly<Record<string, readonly string[]>> = {
  state: [
    "GetState",
    "GetBulkState",
    "SaveState",
    "QueryStateAlpha1",
    "DeleteState",
    "DeleteBulkState",
    "ExecuteStateTransaction",
  ],
  pubsub: [
    "PublishEvent",
    "BulkPublishEventAlpha1",
    "BulkPublishEvent",
    "SubscribeTopicEventsAlpha1",
  ],
  bindings: ["InvokeBinding"],
  secrets: ["GetSecret", "GetBulkSecret"],
  actors: [
    "RegisterActorTimer",
    "UnregisterActorTimer",
    "RegisterActorReminder",
    "UnregisterActorReminder",
    "UnregisterActorRemindersByType",
    "ListActorReminders",
    "GetActorState",
    "GetActorReminder",
    "ExecuteActorStateTransaction",
    "InvokeActor",
    "SubscribeActorEventsAlpha1",
  ],
  configuration: [
    "GetConfigurationAlpha1",
    "GetConfiguration",
    "SubscribeConfigurationAlpha1",
    "SubscribeConfiguration",
    "UnsubscribeConfigurationAlpha1",
    "UnsubscribeConfiguration",
  ],
  lock: ["TryLockAlpha1", "UnlockAlpha1"],
  crypto: [
    "EncryptAlpha1",
    "DecryptAlpha1",
    "SubtleGetKeyAlpha1",
    "SubtleEncryptAlpha1",
    "SubtleDecryptAlpha1",
    "SubtleWrapKeyAlpha1",
    "SubtleUnwrapKeyAlpha1",
    "SubtleSignAlpha1",
    "SubtleVerifyAlpha1",
  ],
  workflow: ["Start", "Get", "Purge", "Terminate", "Pause", "Resume", "RaiseEvent"].flatMap(
    (verb) => [`${verb}WorkflowAlpha1`, `${verb}WorkflowBeta1`],
  ),
  jobs: ["ScheduleJob", "GetJob", "DeleteJob", "DeleteJobsByPrefix", "ListJobs"].flatMap((name) => [
    name,
    `${name}Alpha1`,
  ]),
  conversation: ["ConverseAlpha1", "ConverseAlpha2"],
};

/**
 * Full method path to the building block that owns it, for every method of the service `Dapr` outside
 * service invocation. Servers must know these names: an unknown method is proxied to an app.
 */
export const foreignDaprPaths: ReadonlyMap<string, string> = new Map(
  Object.entries(foreignMethods).flatMap(([block, names]) =>
    names.map((name): [string, string] => [dapr + name, block]),
  ),
);
