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

/** What the files said at one moment, and what is odd in them. */
export interface Reading {
  readonly resources: SidecarResources;
  /** Of the Configuration files; those of the others are notices. */
  readonly warnings: readonly string[];
}

/** Which files are read, and for whom. */
export type FileOptions = Pick<SidecarOptions, "appId" | "configFiles" | "resourcesPaths">;

/** @throws OutriggerError when a file is missing or cannot be understood. */
export async function readResources(options: FileOptions, env: Environment): Promise<Reading> {
  const { configuration, warnings } = await loadConfiguration(options.configFiles, { env });
  if (options.resourcesPaths.length === 0) {
    return { resources: { configuration, loaded: undefined }, warnings };
  }
  const loaded = await loadResources(options.resourcesPaths, {
    appId: options.appId,
    namespace: env.NAMESPACE ?? "",
  });
  return { resources: { configuration, loaded }, warnings };
}

/** Tells what is odd in the files that a runtime starts with. */
export function logReading(
  options: FileOptions,
  { resources, warnings }: Reading,
  log: Logger,
): void {
  if (options.configFiles.length === 0) log.log("info", "loading default configuration");
  for (const warning of warnings) log.log("warn", warning);
  for (const { level, scope, message } of resources.loaded?.notices ?? []) {
    log.scope(scope).log(level, message);
  }
}
