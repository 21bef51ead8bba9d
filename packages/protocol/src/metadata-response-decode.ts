import type {
  ActiveActorsCount,
  ActorRuntime,
  AppConnectionHealthProperties,
  AppConnectionProperties,
  GetMetadataResponse,
  RegisteredComponent,
} from "./metadata-response.ts";
import { ProtoReader } from "./proto-reader.ts";
import { readStringMapEntry } from "./string-map.ts";

/** Decodes `dapr.proto.runtime.v1.GetMetadataResponse`. @throws OutriggerError `OTR_PROTOCOL_VIOLATION`. */
export function decodeGetMetadataResponse(bytes: Uint8Array): GetMetadataResponse {
  const reader = new ProtoReader(bytes);
  const extendedMetadata: Record<string, string> = {};
  const activeActorsCount: ActiveActorsCount[] = [];
  const registeredComponents: RegisteredComponent[] = [];
  const httpEndpoints: string[] = [];
  const enabledFeatures: string[] = [];
  const mcpServers: string[] = [];
  const workflowAccessPolicies: string[] = [];
  const resiliencies: string[] = [];
  let id = "";
  let runtimeVersion = "";
  let appConnectionProperties: AppConnectionProperties | undefined;
  let actorRuntime: ActorRuntime | undefined;
  let scheduler: GetMetadataResponse["scheduler"];
  let workflows: GetMetadataResponse["workflows"];
  while (reader.next()) {
    switch (reader.tag) {
      case 10:
        id = reader.text();
        break;
      case 18:
        activeActorsCount.push(reader.message(readActors));
        break;
      case 26:
        registeredComponents.push(reader.message(readComponent));
        break;
      case 34:
        readStringMapEntry(reader, extendedMetadata);
        break;
      case 50:
        httpEndpoints.push(reader.message(readName));
        break;
      case 58:
        appConnectionProperties = reader.message(readAppConnection, appConnectionProperties);
        break;
      case 66:
        runtimeVersion = reader.text();
        break;
      case 74:
        enabledFeatures.push(reader.text());
        break;
      case 82:
        actorRuntime = reader.message(readActorRuntime, actorRuntime);
        break;
      case 90:
        scheduler = reader.message(readScheduler, scheduler);
        break;
      case 98:
        workflows = reader.message(readWorkflows, workflows);
        break;
      case 106:
        mcpServers.push(reader.message(readName));
        break;
      case 114:
        workflowAccessPolicies.push(reader.message(readName));
        break;
      case 122:
        resiliencies.push(reader.message(readName));
        break;
      default:
        reader.skip();
    }
  }
  return {
    id,
    activeActorsCount,
    registeredComponents,
    extendedMetadata,
    httpEndpoints,
    appConnectionProperties,
    runtimeVersion,
    enabledFeatures,
    actorRuntime,
    scheduler,
    workflows,
    mcpServers,
    workflowAccessPolicies,
    resiliencies,
  };
}

function readName(reader: ProtoReader): string {
  let name = "";
  while (reader.next()) {
    if (reader.tag === 10) name = reader.text();
    else reader.skip();
  }
  return name;
}

function readActors(reader: ProtoReader): ActiveActorsCount {
  let type = "";
  let count = 0;
  while (reader.next()) {
    if (reader.tag === 10) type = reader.text();
    else if (reader.tag === 16) count = reader.int32();
    else reader.skip();
  }
  return { type, count };
}

function readComponent(reader: ProtoReader): RegisteredComponent {
  let name = "";
  let type = "";
  let version = "";
  const capabilities: string[] = [];
  while (reader.next()) {
    if (reader.tag === 10) name = reader.text();
    else if (reader.tag === 18) type = reader.text();
    else if (reader.tag === 26) version = reader.text();
    else if (reader.tag === 34) capabilities.push(reader.text());
    else reader.skip();
  }
  return { name, type, version, capabilities };
}

function readAppConnection(
  reader: ProtoReader,
  previous: AppConnectionProperties | undefined,
): AppConnectionProperties {
  let port = previous?.port ?? 0;
  let protocol = previous?.protocol ?? "";
  let channelAddress = previous?.channelAddress ?? "";
  let maxConcurrency = previous?.maxConcurrency ?? 0;
  let health = previous?.health;
  while (reader.next()) {
    if (reader.tag === 8) port = reader.int32();
    else if (reader.tag === 18) protocol = reader.text();
    else if (reader.tag === 26) channelAddress = reader.text();
    else if (reader.tag === 32) maxConcurrency = reader.int32();
    else if (reader.tag === 42) health = reader.message(readHealth, health);
    else reader.skip();
  }
  return { port, protocol, channelAddress, maxConcurrency, health };
}

function readHealth(
  reader: ProtoReader,
  previous: AppConnectionHealthProperties | undefined,
): AppConnectionHealthProperties {
  let healthCheckPath = previous?.healthCheckPath ?? "";
  let healthProbeInterval = previous?.healthProbeInterval ?? "";
  let healthProbeTimeout = previous?.healthProbeTimeout ?? "";
  let healthThreshold = previous?.healthThreshold ?? 0;
  while (reader.next()) {
    if (reader.tag === 10) healthCheckPath = reader.text();
    else if (reader.tag === 18) healthProbeInterval = reader.text();
    else if (reader.tag === 26) healthProbeTimeout = reader.text();
    else if (reader.tag === 32) healthThreshold = reader.int32();
    else reader.skip();
  }
  return { healthCheckPath, healthProbeInterval, healthProbeTimeout, healthThreshold };
}

function readActorRuntime(reader: ProtoReader, previous: ActorRuntime | undefined): ActorRuntime {
  let runtimeStatus = previous?.runtimeStatus ?? 0;
  const activeActors: ActiveActorsCount[] =
    previous === undefined ? [] : [...previous.activeActors];
  let hostReady = previous?.hostReady ?? false;
  let placement = previous?.placement ?? "";
  while (reader.next()) {
    if (reader.tag === 8) runtimeStatus = reader.int32();
    else if (reader.tag === 18) activeActors.push(reader.message(readActors));
    else if (reader.tag === 24) hostReady = reader.bool();
    else if (reader.tag === 34) placement = reader.text();
    else reader.skip();
  }
  return { runtimeStatus, activeActors, hostReady, placement };
}

function readScheduler(
  reader: ProtoReader,
  previous: GetMetadataResponse["scheduler"],
): NonNullable<GetMetadataResponse["scheduler"]> {
  const connectedAddresses: string[] = [...(previous?.connectedAddresses ?? [])];
  while (reader.next()) {
    if (reader.tag === 10) connectedAddresses.push(reader.text());
    else reader.skip();
  }
  return { connectedAddresses };
}

function readWorkflows(
  reader: ProtoReader,
  previous: GetMetadataResponse["workflows"],
): NonNullable<GetMetadataResponse["workflows"]> {
  let connectedWorkers = previous?.connectedWorkers ?? 0;
  while (reader.next()) {
    if (reader.tag === 8) connectedWorkers = reader.int32();
    else reader.skip();
  }
  return { connectedWorkers };
}
