import { type CallGraph, callGraph } from "@outrigger/call-graph";
import { createRuntime, type Runtime, type RuntimeOptions } from "@outrigger/core";

/** Starts a runtime whose calls are counted. */
export async function startObserved(
  options: RuntimeOptions,
): Promise<{ readonly runtime: Runtime; readonly graph: CallGraph }> {
  const graph = callGraph({ appId: options.appId });
  const telemetry = [...(options.telemetry ?? []), graph.telemetry];
  return { runtime: await createRuntime({ ...options, telemetry }), graph };
}

/** One line per edge, for example `checkout -> orders POST: 12.4 calls/s, p99 8.1 ms`. */
export function describe(graph: CallGraph): readonly string[] {
  return graph.snapshot().edges.map(({ caller, callee, operation, windows }) => {
    const rate = windows[0]?.rate ?? 0;
    const p99 = windows[0]?.latency?.p99Ms ?? 0;
    return `${caller.appId} -> ${callee.appId} ${operation}: ${rate} calls/s, p99 ${p99} ms`;
  });
}
