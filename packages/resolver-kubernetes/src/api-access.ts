import { existsSync } from "node:fs";
import type { RequestOptions } from "node:https";
import { join } from "node:path";
import type { KubeConfig } from "@kubernetes/client-node";
import type { KubernetesSettings } from "./options.ts";

/** How to reach an API server: its address, and the TLS and headers of a request. */
export interface ApiAccess {
  readonly server: URL;
  readonly options: RequestOptions;
}

/** Whether there is an API server to ask, seen from the options and the environment. */
export function hasApi({ apiServer, kubeconfig, ...rest }: KubernetesSettings): boolean {
  if (kubeconfig !== undefined) return true;
  const named = apiServer !== undefined || !!process.env.KUBERNETES_SERVICE_HOST;
  return named && existsSync(join(rest.serviceAccountFolder, "token"));
}

/**
 * Reads credentials anew for each request. Requests are rare (a watch lasts minutes), and a token
 * that was rotated is used with the next one.
 */
export async function apiAccess(settings: KubernetesSettings): Promise<ApiAccess> {
  // Only here: the client is large, and needs a newer Node than asking DNS does.
  const { KubeConfig } = await import("@kubernetes/client-node");
  const config = new KubeConfig();
  load(config, settings);
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new Error("the kubeconfig has no current cluster");
  const options: RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  // Connections end with their request, unless they have to go through a proxy.
  if (cluster.proxyUrl === undefined) options.agent = false;
  return { server: new URL(cluster.server), options };
}

function load(config: KubeConfig, settings: KubernetesSettings): void {
  const { kubeconfig, apiServer, serviceAccountFolder: folder } = settings;
  if (kubeconfig !== undefined) {
    config.loadFromFile(kubeconfig);
    return;
  }
  const server = apiServer ?? serverOfEnvironment();
  const name = "in-cluster";
  config.loadFromOptions({
    clusters: [{ name, server, caFile: join(folder, "ca.crt"), skipTLSVerify: false }],
    users: [
      { name, authProvider: { name: "tokenFile", config: { tokenFile: join(folder, "token") } } },
    ],
    contexts: [{ name, cluster: name, user: name }],
    currentContext: name,
  });
}

function serverOfEnvironment(): string {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port = "443" } = process.env;
  if (!host) {
    throw new Error("not in a cluster: KUBERNETES_SERVICE_HOST is not set, nor is `kubeconfig`");
  }
  return `https://${host.includes(":") ? `[${host}]` : host}:${port}`;
}
