import { OutriggerError } from "@outrigger/core";
import type { SidecarOptions } from "../flags/sidecar-options.ts";

/**
 * Dapr reads any number as a port and fails when it binds, with these words.
 * @throws OutriggerError `OTR_LISTEN_FAILED`.
 */
export function requireBindable(
  options: Pick<SidecarOptions, "httpPort" | "grpcPort" | "internalGrpcPort" | "publicPort">,
): void {
  const { httpPort, grpcPort, internalGrpcPort, publicPort } = options;
  const none = "could not listen on any endpoint: ";
  check(internalGrpcPort, "failed to start internal gRPC server: ");
  check(grpcPort, `failed to start API gRPC server: ${none}`);
  check(httpPort, `failed to start HTTP server: ${none}`);
  check(publicPort, "failed to start public HTTP server: ");
}

function check(port: number | undefined, failure: string): void {
  if (port === undefined || (port >= 0 && port <= 65_535)) return;
  throw new OutriggerError(`${failure}port ${port} is not within 0 to 65535`, {
    code: "OTR_LISTEN_FAILED",
    details: { port },
  });
}
