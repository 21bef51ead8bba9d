/** An entry of the deprecated list of active actors. */
export interface ActiveActorsCount {
  readonly type: string;
  readonly count: number;
}

/** A loaded component. */
export interface RegisteredComponent {
  readonly name: string;
  readonly type: string;
  readonly version: string;
  readonly capabilities: readonly string[];
}

/** How the sidecar checks its app. */
export interface AppConnectionHealthProperties {
  readonly healthCheckPath: string;
  /** Go duration, for example `5s`. */
  readonly healthProbeInterval: string;
  /** Go duration, for example `500ms`. */
  readonly healthProbeTimeout: string;
  readonly healthThreshold: number;
}

/** How the sidecar reaches its app. */
export interface AppConnectionProperties {
  readonly port: number;
  readonly protocol: string;
  readonly channelAddress: string;
  readonly maxConcurrency: number;
  /** Only when health checks are on. */
  readonly health?: AppConnectionHealthProperties | undefined;
}

/** Values of {@link ActorRuntime.runtimeStatus}. */
export const ActorRuntimeStatus = { INITIALIZING: 0, DISABLED: 1, RUNNING: 2 } as const;

/** State of the actor runtime. */
export interface ActorRuntime {
  readonly runtimeStatus: number;
  readonly activeActors: readonly ActiveActorsCount[];
  readonly hostReady: boolean;
  readonly placement: string;
}

/** `dapr.proto.runtime.v1.GetMetadataResponse` without the subscriptions of pub/sub. */
export interface GetMetadataResponse {
  readonly id: string;
  readonly activeActorsCount: readonly ActiveActorsCount[];
  readonly registeredComponents: readonly RegisteredComponent[];
  readonly extendedMetadata: Readonly<Record<string, string>>;
  /** Names of the loaded HTTPEndpoint resources. */
  readonly httpEndpoints: readonly string[];
  readonly appConnectionProperties?: AppConnectionProperties | undefined;
  readonly runtimeVersion: string;
  readonly enabledFeatures: readonly string[];
  readonly actorRuntime?: ActorRuntime | undefined;
  readonly scheduler?: { readonly connectedAddresses: readonly string[] } | undefined;
  readonly workflows?: { readonly connectedWorkers: number } | undefined;
  /** Names of the loaded MCPServer resources. */
  readonly mcpServers: readonly string[];
  /** Names of the loaded WorkflowAccessPolicy resources. */
  readonly workflowAccessPolicies: readonly string[];
  /** Names of the loaded Resiliency resources. */
  readonly resiliencies: readonly string[];
}
