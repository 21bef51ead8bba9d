import type { SidecarOptions } from "../flags/sidecar-options.ts";

/**
 * What the sidecar adds to its own environment (Dapr `pkg/runtime/runtime.go`): `envRef` in
 * resources and `${…}` in a Configuration that is read again can use it.
 * @param internalPort of the server for other sidecars.
 */
export function ownEnvironment(
  options: SidecarOptions,
  host: string,
  internalPort: number,
): Readonly<Record<string, string>> {
  return {
    APP_ID: options.appId,
    APP_PORT: `${options.appPort}`,
    HOST_ADDRESS: host,
    DAPR_PORT: `${internalPort}`,
    DAPR_GRPC_PORT: `${options.grpcPort}`,
    DAPR_HTTP_PORT: `${options.httpPort}`,
    DAPR_METRICS_PORT: `${options.metrics.port}`,
    DAPR_PROFILE_PORT: `${options.profiling.port}`,
  };
}
