import { addView, type EdgeView, newView } from "./edge-view.ts";
import type { Snapshot, SnapshotEdge } from "./snapshot-schema.ts";

/** An app, a server outside the mesh, or what the table of a sidecar had no room for. */
export interface MeshNode {
  readonly id: string;
  readonly appId: string;
  readonly namespace: string;
  readonly kind: "app" | "external" | "other";
}

/** Calls from one node to another with one class of operation, from both ends. */
export interface MeshEdge {
  readonly from: string;
  readonly to: string;
  readonly operation: string;
  /** Whether the callee saw the caller's certificate; `undefined` when only the caller was asked. */
  proven?: boolean;
  /** What the sidecars of the caller saw. */
  caller?: EdgeView;
  /** What the sidecars of the callee saw. */
  callee?: EdgeView;
}

/** The mesh as its sidecars saw it. */
export interface MeshView {
  readonly nodes: readonly MeshNode[];
  readonly edges: readonly MeshEdge[];
}

/** Puts the views of all sidecars together: instances of an app are added up, the two ends stay apart. */
export function mergeSnapshots(snapshots: readonly Snapshot[]): MeshView {
  const nodes = new Map<string, MeshNode>();
  const edges = new Map<string, MeshEdge>();
  for (const { appId, namespace, edges: own } of snapshots) {
    nodeOf({ appId, namespace, kind: "app" }, nodes);
    for (const edge of own) addEdge(edge, nodes, edges);
  }
  return {
    nodes: [...nodes.values()].sort((a, b) => compare(a.id, b.id)),
    edges: [...edges.entries()].sort(([a], [b]) => compare(a, b)).map(([, edge]) => edge),
  };
}

function addEdge(
  edge: SnapshotEdge,
  nodes: Map<string, MeshNode>,
  edges: Map<string, MeshEdge>,
): void {
  const from = nodeOf(edge.caller, nodes);
  const to = nodeOf(edge.callee, nodes);
  const { operation, side } = edge;
  const key = JSON.stringify([from, to, operation]);
  const merged = edges.get(key) ?? { from, to, operation };
  edges.set(key, merged);
  const view = merged[side] ?? newView();
  merged[side] = view;
  addView(view, edge);
  if (side === "callee") merged.proven = edge.proven && merged.proven !== false;
}

function nodeOf(
  { appId, namespace, kind }: Omit<MeshNode, "id">,
  nodes: Map<string, MeshNode>,
): string {
  const id = kind === "app" ? `${namespace}/${appId}` : `${kind}:${appId}`;
  if (!nodes.has(id)) nodes.set(id, { id, appId, namespace, kind });
  return id;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
