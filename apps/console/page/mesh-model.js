/** The window of a view; empty where there is none. */
export function windowOf(view, windowMs) {
  const found = view?.windows.find((window) => window.windowMs === windowMs);
  return found ?? { calls: 0, errors: 0, retries: 0, rate: 0, byClass: {} };
}

/** The end that saw more: usually the caller, who also sees calls that never arrive. */
export function mainView({ caller, callee }, windowMs) {
  if (caller === undefined || callee === undefined) return caller ?? callee;
  return windowOf(callee, windowMs).calls > windowOf(caller, windowMs).calls ? callee : caller;
}

/** The edges between two nodes as one line each, with sums over their operations. */
export function connections({ edges, nodes }, windowMs) {
  const names = new Map(nodes.map((node) => [node.id, node]));
  const found = new Map();
  for (const edge of edges) {
    const key = `${edge.from}\n${edge.to}`;
    const known = found.get(key);
    if (known === undefined) found.set(key, { key, operations: [edge] });
    else known.operations.push(edge);
  }
  return [...found.values()].map(({ key, operations }) => {
    const [{ from, to }] = operations;
    const sum = sumOf(operations, windowMs);
    return { key, from: names.get(from), to: names.get(to), operations, ...sum };
  });
}

function sumOf(operations, windowMs) {
  const sum = { calls: 0, errors: 0, rate: 0, inFlight: 0, p99Ms: undefined, byClass: {} };
  for (const edge of operations) {
    const view = mainView(edge, windowMs);
    const { calls, errors, rate, byClass, latency } = windowOf(view, windowMs);
    sum.calls += calls;
    sum.errors += errors;
    sum.rate += rate;
    sum.inFlight += view.inFlight;
    if (latency !== undefined) sum.p99Ms = Math.max(sum.p99Ms ?? 0, latency.p99Ms);
    for (const [name, count] of Object.entries(byClass)) {
      sum.byClass[name] = (sum.byClass[name] ?? 0) + count;
    }
  }
  return { ...sum, health: healthOf(sum) };
}

/** `idle`, `ok`, `warn` or `bad`. */
export function healthOf({ calls, errors }) {
  if (calls === 0) return "idle";
  if (errors === 0) return "ok";
  return errors / calls < 0.05 ? "warn" : "bad";
}

/** A node's name; with its namespace where that is not the usual one. */
export function nameOf({ appId, namespace, kind }) {
  return kind === "app" && namespace !== "default" ? `${appId} (${namespace})` : appId;
}
