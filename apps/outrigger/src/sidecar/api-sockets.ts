import { rm, stat } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import type { SidecarOptions } from "../flags/sidecar-options.ts";

/** Paths of the sockets that replace the ports of the two APIs. */
export interface ApiSockets {
  readonly http: string;
  readonly grpc: string;
}

/** `undefined` when the APIs have ports. */
export function apiSockets(
  options: Pick<SidecarOptions, "appId" | "unixDomainSocket">,
): ApiSockets | undefined {
  const { appId, unixDomainSocket: folder } = options;
  if (folder === undefined) return undefined;
  const path = (api: string): string => join(folder, `dapr-${appId}-${api}.socket`);
  return { http: path("http"), grpc: path("grpc") };
}

/**
 * Removes a socket that nobody listens on: a process that was killed leaves its own behind, and
 * `dapr run` kills. One that is in use, and anything that is no socket, stays.
 */
export async function removeStaleSocket(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isSocket() !== true) return;
  if (await isRefused(path)) await rm(path, { force: true });
}

function isRefused(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    const end = (refused: boolean): void => {
      socket.destroy();
      resolve(refused);
    };
    socket.once("connect", () => end(false));
    socket.once("error", (reason: NodeJS.ErrnoException) => end(reason.code === "ECONNREFUSED"));
  });
}
