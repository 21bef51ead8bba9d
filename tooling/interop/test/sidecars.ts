import { freePorts } from "@outrigger/test-servers";
import {
  call,
  type Mesh,
  type SidecarProcess,
  waitFor,
} from "../../../apps/outrigger/test/e2e/mesh.ts";

/** Where a sidecar listens. */
export interface SidecarPorts {
  readonly http: number;
  readonly grpc: number;
}

/** Dapr takes 4 MiB; both ends of a large upload must allow more. */
export const largeBodies: readonly string[] = ["--max-body-size", "64Mi"];

/** Starts a sidecar on given ports, and waits until it is ready. */
export async function startSidecar(
  mesh: Mesh,
  appId: string,
  { http, grpc }: SidecarPorts,
  flags: readonly string[] = [],
): Promise<SidecarProcess> {
  const own = ["--dapr-http-port", `${http}`, "--dapr-grpc-port", `${grpc}`];
  const sidecar = await mesh.sidecar(appId, { flags: [...own, ...flags], wait: false });
  await waitFor(async () => {
    if (sidecar.child.exitCode !== null) throw new Error(`${appId}: ${sidecar.output()}`);
    const answer = await call(http, "GET", "/v1.0/healthz").catch(() => undefined);
    return answer?.status === 204;
  }, `the sidecar of ${appId}`);
  return sidecar;
}

/** Two free ports. */
export async function ports(): Promise<SidecarPorts> {
  const [http = 0, grpc = 0] = await freePorts(2);
  return { http, grpc };
}

/** The variables in which the SDKs look for the sidecar. */
export function environmentOf({ http, grpc }: SidecarPorts): Readonly<Record<string, string>> {
  return { DAPR_HTTP_PORT: `${http}`, DAPR_GRPC_PORT: `${grpc}` };
}
