import type { RuntimeOptions } from "@outrigger/core";
import type { ResiliencyOptions } from "@outrigger/resiliency";
import type { SidecarOptions } from "../flags/sidecar-options.ts";
import type { PipelineParts } from "./compose-components.ts";
import type { SidecarResources } from "./read-resources.ts";

/**
 * The policies of Resiliency documents. A document that is wrong costs only itself, with a line in
 * the log. Their package is loaded when there are some.
 */
export async function composeResiliency(
  options: SidecarOptions,
  { loaded }: SidecarResources,
  { log, metrics }: Pick<PipelineParts, "log" | "metrics">,
): Promise<Pick<RuntimeOptions, "resiliency">> {
  const documents = loaded?.resiliencies ?? [];
  if (documents.length === 0) return {};
  const { resiliency, resiliencyFromDapr } = await import("@outrigger/resiliency");
  for (const { name, namespace } of documents) {
    log.log("info", `Loading Resiliency configuration: ${name}`);
    metrics?.resiliency.loaded(name, namespace);
  }
  const { options: policies, problems } = resiliencyFromDapr(documents);
  for (const problem of problems) log.log("error", problem);
  // A body without a limit is kept without one, as in Dapr.
  const maxReplayBytes = options.maxBodyBytes > 0 ? options.maxBodyBytes : Number.MAX_SAFE_INTEGER;
  const onEvent: ResiliencyOptions["onEvent"] =
    metrics && ((event) => metrics.resiliency.happened(event));
  const listener = onEvent === undefined ? {} : { onEvent };
  return { resiliency: resiliency({ ...policies, maxReplayBytes, ...listener }) };
}
