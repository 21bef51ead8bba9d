import type { HttpPipeline, Logger } from "@outrigger/core";
import type { Metrics } from "@outrigger/metrics-prometheus";
import type { SidecarOptions } from "../flags/sidecar-options.ts";
import type { Environment } from "../flags/validate-options.ts";
import { LiveComponents } from "./live-components.ts";
import type { SidecarResources } from "./read-resources.ts";

/** What composing one side of the sidecar needs. */
export interface PipelineParts {
  readonly env: Environment;
  readonly log: Logger;
  /** The user's handlers, when the Configuration lists some. */
  readonly pipeline: HttpPipeline | undefined;
  /** `undefined`: nothing is measured. */
  readonly metrics?: Metrics | undefined;
}

/**
 * Loads the components of the resource files and puts those that the Configuration names into its
 * pipelines.
 * @throws OutriggerError in Dapr's words for a component that cannot be loaded, unless it has
 *   `ignoreErrors`.
 */
export async function composeComponents(
  { appId }: Pick<SidecarOptions, "appId">,
  { configuration, loaded }: SidecarResources,
  env: Environment,
  { log, metrics }: Pick<PipelineParts, "log" | "metrics">,
): Promise<LiveComponents> {
  const namespace = env.NAMESPACE ?? "default";
  const context = { appId, namespace, log, now: Date.now, random: Math.random };
  const components = new LiveComponents(configuration, { context, env, metrics });
  await components.load(loaded?.components ?? []);
  return components;
}
