import type { Logger } from "@outrigger/core";
import {
  type Configuration,
  type LoadedResources,
  loadConfiguration,
  loadResources,
} from "@outrigger/resources";
import type { SidecarOptions } from "../flags/sidecar-options.ts";
import type { Environment } from "../flags/validate-options.ts";

/** What the files of a sidecar say. */
export interface SidecarResources {
  readonly configuration: Configuration;
  /** `undefined` without `--resources-path`. */
  readonly loaded: LoadedResources | undefined;
}

/** @throws OutriggerError when a file is missing or cannot be understood. */
export async function readResources(
  options: SidecarOptions,
  env: Environment,
  log: Logger,
): Promise<SidecarResources> {
  if (options.configFiles.length === 0) log.log("info", "loading default configuration");
  const { configuration, warnings } = await loadConfiguration(options.configFiles, { env });
  for (const warning of warnings) log.log("warn", warning);
  if (options.resourcesPaths.length === 0) return { configuration, loaded: undefined };
  const loaded = await loadResources(options.resourcesPaths, {
    appId: options.appId,
    namespace: env.NAMESPACE ?? "",
  });
  for (const { level, scope, message } of loaded.notices) log.scope(scope).log(level, message);
  return { configuration, loaded };
}
