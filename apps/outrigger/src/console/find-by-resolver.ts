import { joinHostPort, parseTarget } from "@outrigger/core";
import { loadConfiguration } from "@outrigger/resources";
import type { SidecarMode } from "../flags/sidecar-options.ts";
import type { Environment } from "../flags/validate-options.ts";
import { askResolvers } from "../resolve/ask-resolvers.ts";
import { planResolvers } from "../resolvers/resolver-plan.ts";

/** Whose sidecars are looked for, and how. */
export interface FindSettings {
  /** App ids, `app` or `app.namespace`. */
  readonly apps: readonly string[];
  readonly configFiles: readonly string[];
  readonly mode: SidecarMode;
  /** A registry knows where sidecars call each other; their HTTP API is on this port there. */
  readonly apiPort: number;
  readonly env: Environment;
}

const lookUpMs = 2_000;

/** Finds the HTTP APIs of apps through the resolver that the Configuration names. */
export function findByResolver(settings: FindSettings): () => Promise<readonly string[]> {
  const { apps, apiPort, configFiles, env, mode } = settings;
  return async () => {
    const { configuration } = await loadConfiguration(configFiles, { env });
    const plan = planResolvers(configuration.nameResolution, mode);
    const found = new Set<string>();
    for (const app of apps) {
      const target = parseTarget(app, env.NAMESPACE || "default");
      if (target.kind === "url") continue;
      const reports = await askResolvers(plan, {
        ...{ appId: target.appId, namespace: target.namespace, json: false },
        ...{ configFiles, mode, timeoutMs: lookUpMs },
      });
      for (const { used, endpoints } of reports) {
        if (used) for (const { host } of endpoints) found.add(joinHostPort(host, apiPort));
      }
    }
    return [...found];
  };
}
