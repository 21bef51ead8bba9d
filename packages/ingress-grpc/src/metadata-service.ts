import type { MetadataSnapshot, Sidecar } from "@outrigger/core";
import {
  ActorRuntimeStatus,
  encodeEmpty,
  encodeGetMetadataResponse,
  type GetMetadataResponse,
  type SetMetadataRequest,
} from "@outrigger/protocol";
import { goDuration } from "./go-duration.ts";
import { okReply, type Reply } from "./reply.ts";

/** Answers `GetMetadata`. */
export function getMetadata(sidecar: Sidecar): Reply {
  return okReply(encodeGetMetadataResponse(toMessage(sidecar.metadata.snapshot())));
}

/** Answers `SetMetadata`. */
export function setMetadata(sidecar: Sidecar, { key, value }: SetMetadataRequest): Reply {
  sidecar.metadata.set(key, value);
  return okReply(encodeEmpty());
}

function toMessage(snapshot: MetadataSnapshot): GetMetadataResponse {
  const { appConnection } = snapshot;
  const { health } = appConnection;
  return {
    id: snapshot.id,
    activeActorsCount: [],
    registeredComponents: snapshot.components,
    extendedMetadata: snapshot.extended,
    httpEndpoints: snapshot.httpEndpoints,
    appConnectionProperties: {
      port: appConnection.port,
      protocol: appConnection.protocol,
      channelAddress: appConnection.channelAddress,
      maxConcurrency: appConnection.maxConcurrency,
      health: health && {
        healthCheckPath: health.path ?? "",
        healthProbeInterval: goDuration(health.intervalMs),
        healthProbeTimeout: goDuration(health.timeoutMs),
        healthThreshold: health.threshold,
      },
    },
    runtimeVersion: snapshot.runtimeVersion,
    enabledFeatures: snapshot.enabledFeatures,
    // There are no actors here; Dapr says so once it is up.
    actorRuntime: {
      runtimeStatus: snapshot.initialized
        ? ActorRuntimeStatus.DISABLED
        : ActorRuntimeStatus.INITIALIZING,
      activeActors: [],
      hostReady: false,
      // Until then there is not even a connection to tell of.
      placement: snapshot.initialized ? "placement: disconnected" : "",
    },
    workflows: { connectedWorkers: 0 },
    mcpServers: [],
    workflowAccessPolicies: [],
    resiliencies: snapshot.resiliencies,
  };
}
