import type {
  ActiveActorsCount,
  ActorRuntime,
  AppConnectionProperties,
  GetMetadataResponse,
  RegisteredComponent,
} from "./metadata-response.ts";
import { ProtoWriter } from "./proto-writer.ts";
import { writeStringMap } from "./string-map.ts";

/** Encodes `dapr.proto.runtime.v1.GetMetadataResponse`. */
export function encodeGetMetadataResponse(
  response: GetMetadataResponse,
  reserveBytes = 0,
): Uint8Array {
  const writer = new ProtoWriter({ reserveBytes, sizeHintBytes: 512 });
  writer.text(1, response.id);
  writeActors(writer, 2, response.activeActorsCount);
  for (const component of response.registeredComponents) writeComponent(writer, component);
  writeStringMap(writer, 4, response.extendedMetadata);
  writeNamed(writer, 6, response.httpEndpoints);
  if (response.appConnectionProperties !== undefined) {
    writeAppConnection(writer, response.appConnectionProperties);
  }
  writer.text(8, response.runtimeVersion);
  writeTexts(writer, 9, response.enabledFeatures);
  if (response.actorRuntime !== undefined) writeActorRuntime(writer, response.actorRuntime);
  if (response.scheduler !== undefined) {
    const mark = writer.begin(11);
    writeTexts(writer, 1, response.scheduler.connectedAddresses);
    writer.end(mark);
  }
  if (response.workflows !== undefined) {
    const mark = writer.begin(12);
    writer.int32(1, response.workflows.connectedWorkers);
    writer.end(mark);
  }
  writeNamed(writer, 13, response.mcpServers);
  writeNamed(writer, 14, response.workflowAccessPolicies);
  writeNamed(writer, 15, response.resiliencies);
  return writer.finish();
}

function writeTexts(writer: ProtoWriter, field: number, texts: readonly string[]): void {
  for (const text of texts) writer.textElement(field, text);
}

/** Writes a list of messages whose only field is a name. */
function writeNamed(writer: ProtoWriter, field: number, names: readonly string[]): void {
  for (const name of names) {
    const mark = writer.begin(field);
    writer.text(1, name);
    writer.end(mark);
  }
}

function writeActors(
  writer: ProtoWriter,
  field: number,
  actors: readonly ActiveActorsCount[],
): void {
  for (const actor of actors) {
    const mark = writer.begin(field);
    writer.text(1, actor.type);
    writer.int32(2, actor.count);
    writer.end(mark);
  }
}

function writeComponent(writer: ProtoWriter, component: RegisteredComponent): void {
  const mark = writer.begin(3);
  writer.text(1, component.name);
  writer.text(2, component.type);
  writer.text(3, component.version);
  writeTexts(writer, 4, component.capabilities);
  writer.end(mark);
}

function writeAppConnection(writer: ProtoWriter, app: AppConnectionProperties): void {
  const mark = writer.begin(7);
  writer.int32(1, app.port);
  writer.text(2, app.protocol);
  writer.text(3, app.channelAddress);
  writer.int32(4, app.maxConcurrency);
  if (app.health !== undefined) {
    const health = writer.begin(5);
    writer.text(1, app.health.healthCheckPath);
    writer.text(2, app.health.healthProbeInterval);
    writer.text(3, app.health.healthProbeTimeout);
    writer.int32(4, app.health.healthThreshold);
    writer.end(health);
  }
  writer.end(mark);
}

function writeActorRuntime(writer: ProtoWriter, runtime: ActorRuntime): void {
  const mark = writer.begin(10);
  writer.int32(1, runtime.runtimeStatus);
  writeActors(writer, 2, runtime.activeActors);
  writer.bool(3, runtime.hostReady);
  writer.text(4, runtime.placement);
  writer.end(mark);
}
