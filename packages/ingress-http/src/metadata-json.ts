import type { MetadataSnapshot } from "@outrigger/core";

/** The metadata route's body: keys in Dapr's order, empty values left out. */
export function metadataJson(snapshot: MetadataSnapshot): Buffer {
  const { appConnection: app } = snapshot;
  const named = (names: readonly string[]) => names.map((name) => ({ name }));
  const document = {
    id: snapshot.id || undefined,
    runtimeVersion: snapshot.runtimeVersion || undefined,
    enabledFeatures: unlessEmpty(snapshot.enabledFeatures),
    components: unlessEmpty(
      snapshot.components.map((component) => ({
        ...component,
        capabilities: unlessEmpty(component.capabilities),
      })),
    ),
    extended: snapshot.extended,
    httpEndpoints: unlessEmpty(named(snapshot.httpEndpoints)),
    appConnectionProperties: {
      port: app.port || undefined,
      protocol: app.protocol,
      channelAddress: app.channelAddress || undefined,
      maxConcurrency: app.maxConcurrency || undefined,
      health: app.health && {
        healthCheckPath: app.health.path || undefined,
        healthProbeInterval: goDuration(app.health.intervalMs),
        healthProbeTimeout: goDuration(app.health.timeoutMs),
        healthThreshold: app.health.threshold || undefined,
      },
    },
    actorRuntime: snapshot.initialized
      ? { runtimeStatus: "DISABLED", hostReady: false, placement: "placement: disconnected" }
      : { runtimeStatus: "INITIALIZING", hostReady: false },
    resiliencies: unlessEmpty(named(snapshot.resiliencies)),
  };
  return Buffer.from(JSON.stringify(document));
}

function unlessEmpty<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list;
}

/** Whole milliseconds in Go's notation: `500ms`, `5s`, `1m30s`. */
function goDuration(durationMs: number): string {
  if (durationMs < 1_000) return `${durationMs}ms`;
  const minutes = Math.floor(durationMs / 60_000);
  const seconds = (durationMs % 60_000) / 1_000;
  return minutes === 0 ? `${seconds}s` : `${minutes}m${seconds}s`;
}
