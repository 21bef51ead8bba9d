import type { Feature } from "./configuration.ts";

// Dapr 1.18 turns these on unless a Configuration turns them off; clients see them in the metadata.
const onByDefault = ["HotReload", "WorkflowsRemoteActivityReminder"];

/** Names of the features that are on, sorted. */
export function enabledFeatures(features: readonly Feature[]): readonly string[] {
  const on = new Set(onByDefault);
  for (const { name, enabled } of features) {
    if (enabled) on.add(name);
    else on.delete(name);
  }
  return [...on].sort();
}
