import { readFile } from "node:fs/promises";
import type { ComponentFactory, Endpoint, Resolver } from "@outrigger/core";
import { createEndpointHealth, OutriggerError } from "@outrigger/core";

// The name that a sidecar looks for when its Configuration says `component: npm:my-resolver`.
export { resolverFile as resolver };

/** Finds apps in a JSON file: `{ "orders.default": [{ "host": "10.0.0.7", "port": 50002 }] }`. */
export function resolverFile(options: { readonly path: string }): ComponentFactory<Resolver> {
  if (!options.path) throw new OutriggerError("path is missing", { code: "OTR_OPTIONS_INVALID" });
  return () => {
    const health = createEndpointHealth({ now: () => performance.now(), retryAfterMs: 1_000 });
    let stopped = false;
    return {
      name: "resolver-file",
      features: { announces: false, namespaces: true, expires: false, watches: false },
      async resolve({ appId, namespace }, signal) {
        if (stopped) throw new OutriggerError("the resolver is stopped", { code: "OTR_STOPPED" });
        const apps = await readApps(options.path, signal);
        const endpoints = apps.get(`${appId}.${namespace || "default"}`);
        if (endpoints !== undefined && !appId.includes(".")) return health.filter(endpoints);
        throw new OutriggerError(`${appId} is not listed`, { code: "OTR_RESOLVE_NOT_FOUND" });
      },
      report: (_request, endpoint, outcome) => health.report(endpoint, outcome),
      stop: async () => {
        stopped = true;
      },
    };
  };
}

async function readApps(path: string, signal: AbortSignal): Promise<Map<string, Endpoint[]>> {
  try {
    return new Map(Object.entries(JSON.parse(await readFile(path, { encoding: "utf8", signal }))));
  } catch (cause) {
    signal.throwIfAborted();
    throw new OutriggerError(`cannot read ${path}`, { code: "OTR_RESOLVE_FAILED", cause });
  }
}
