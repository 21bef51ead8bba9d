export { type CallGraph, callGraph } from "./call-graph.ts";
export type { CallGraphOptions } from "./options.ts";
export type { OutcomeClass } from "./outcome.ts";
export type {
  CallGraphSnapshot,
  GraphEdge,
  GraphParty,
  GraphWindow,
  HistoryPoint,
  Latency,
} from "./snapshot.ts";
