import type { SnapshotEdge } from "./snapshot-schema.ts";

/** One window of an edge, over all sidecars of one end. */
export interface ViewWindow {
  readonly windowMs: number;
  calls: number;
  errors: number;
  retries: number;
  rate: number;
  readonly byClass: Record<string, number>;
  /** Means of the instances by their calls, the p99 of the worst one; `undefined` without calls. */
  latency?: { p50Ms: number; p90Ms: number; p99Ms: number };
}

/** 20 seconds of the past. */
export interface ViewPoint {
  readonly at: number;
  calls: number;
  errors: number;
  p50Ms?: number;
  p99Ms?: number;
}

/** What the sidecars of one end of an edge saw. */
export interface EdgeView {
  inFlight: number;
  total: number;
  errors: number;
  lastUsedAt: number;
  readonly endpoints: string[];
  readonly windows: ViewWindow[];
  readonly history: ViewPoint[];
  lastError?: SnapshotEdge["lastError"];
  slowest?: SnapshotEdge["slowest"];
}

const maxEndpoints = 8;
const stepMs = 20_000;

/** A view of nothing. */
export function newView(): EdgeView {
  return {
    ...{ inFlight: 0, total: 0, errors: 0, lastUsedAt: 0 },
    ...{ endpoints: [], windows: [], history: [] },
  };
}

/** Adds what one sidecar saw. */
export function addView(view: EdgeView, edge: SnapshotEdge): void {
  view.inFlight += edge.inFlight;
  view.total += edge.total;
  view.errors += edge.errors;
  view.lastUsedAt = Math.max(view.lastUsedAt, edge.lastUsedAt);
  const { endpoint, lastError, slowest } = edge;
  const isNew = endpoint !== undefined && !view.endpoints.includes(endpoint);
  if (isNew && view.endpoints.length < maxEndpoints) view.endpoints.push(endpoint);
  if (lastError !== undefined && lastError.at > (view.lastError?.at ?? 0)) {
    view.lastError = lastError;
  }
  if (slowest !== undefined && isSlower(slowest, view.slowest)) view.slowest = slowest;
  for (const window of edge.windows) addWindow(view.windows, window);
  for (const point of edge.history ?? []) addPoint(view.history, point);
}

type Slowest = NonNullable<SnapshotEdge["slowest"]>;

function isSlower(one: Slowest, other: Slowest | undefined): boolean {
  if (other === undefined || one.sampled !== other.sampled) return one.sampled || !other;
  return one.durationMs > other.durationMs;
}

function addWindow(windows: ViewWindow[], added: SnapshotEdge["windows"][number]): void {
  const { windowMs } = added;
  let window = windows.find((known) => known.windowMs === windowMs);
  if (window === undefined) {
    window = { windowMs, calls: 0, errors: 0, retries: 0, rate: 0, byClass: {} };
    windows.push(window);
  }
  const { latency } = added;
  if (latency !== undefined) {
    const known = window.latency ?? { ...latency };
    const share = added.calls / Math.max(1, window.calls + added.calls);
    window.latency = {
      p50Ms: known.p50Ms + (latency.p50Ms - known.p50Ms) * share,
      p90Ms: known.p90Ms + (latency.p90Ms - known.p90Ms) * share,
      p99Ms: Math.max(known.p99Ms, latency.p99Ms),
    };
  }
  window.calls += added.calls;
  window.errors += added.errors;
  window.retries += added.retries;
  window.rate += added.rate;
  for (const [name, count] of Object.entries(added.byClass)) {
    window.byClass[name] = (window.byClass[name] ?? 0) + count;
  }
}

/** Sidecars began at different moments: their steps are put on one scale. */
function addPoint(history: ViewPoint[], added: NonNullable<SnapshotEdge["history"]>[number]): void {
  const at = Math.round(added.at / stepMs) * stepMs;
  const known = history.find((point) => point.at === at);
  const { calls, errors, p50Ms, p99Ms } = added;
  if (known === undefined) {
    const quantiles = p50Ms === undefined || p99Ms === undefined ? {} : { p50Ms, p99Ms };
    history.push({ at, calls, errors, ...quantiles });
    history.sort((a, b) => a.at - b.at);
    return;
  }
  known.calls += calls;
  known.errors += errors;
  if (p50Ms !== undefined) known.p50Ms = Math.max(known.p50Ms ?? 0, p50Ms);
  if (p99Ms !== undefined) known.p99Ms = Math.max(known.p99Ms ?? 0, p99Ms);
}
