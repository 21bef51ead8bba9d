import {
  type CallSide,
  type Endpoint,
  type ExternalTarget,
  headerValue,
  type InvokeRequest,
  type InvokeResponse,
  isOutriggerError,
  parseOptions,
  parseTarget,
  type ReceivedCall,
  type ResolveRequest,
  type Telemetry,
} from "@outrigger/core";
import type { Edge, Party } from "./edge.ts";
import { EdgeTable } from "./edge-table.ts";
import { Flights } from "./flights.ts";
import { bucketOf } from "./histogram.ts";
import { type CallGraphOptions, type GraphSettings, optionsSchema } from "./options.ts";
import { classOf, outcomeClasses, successClasses } from "./outcome.ts";
import { type CallGraphSnapshot, SnapshotWriter } from "./snapshot.ts";

/** Calls under way whose latency is measured; more are counted only. */
const maxFlights = 65_536;

/** Longest text of a failure that is kept. */
const maxTextLength = 200;

/** What a sidecar knows of the calls that it made and took. */
export interface CallGraph {
  /** To be given to the runtime. */
  readonly telemetry: Telemetry;
  /** The graph as it is now. */
  snapshot(options?: { readonly history?: boolean }): CallGraphSnapshot;
}

/** @throws OutriggerError `OTR_OPTIONS_INVALID`. */
export function callGraph(options: CallGraphOptions): CallGraph {
  return new Graph(parseOptions("@outrigger/call-graph", optionsSchema, options));
}

class Graph implements CallGraph {
  readonly #settings: GraphSettings;
  readonly #callees: EdgeTable;
  readonly #callers: EdgeTable;
  readonly #flights = new Flights(maxFlights);
  readonly #writer: SnapshotWriter;
  readonly telemetry: Telemetry;

  constructor(settings: GraphSettings) {
    this.#settings = settings;
    const limit = { most: settings.maxEdges, used: 0 };
    this.#callees = new EdgeTable("caller", limit, (name) => readTarget(name, settings.namespace));
    this.#callers = new EdgeTable("callee", limit, readCaller);
    this.#writer = new SnapshotWriter(settings);
    this.telemetry = {
      started: (side, call) => this.#started(side, call),
      resolved: (token, target, endpoint) => this.#resolved(token, target, endpoint),
      retried: (token) => this.#retried(token),
      finished: (token, call, outcome, failure) => this.#finished(token, call, outcome, failure),
    };
  }

  snapshot({ history = false } = {}): CallGraphSnapshot {
    return this.#writer.write({
      edges: [...this.#callees.edges(), ...this.#callers.edges()],
      overflowed: this.#callees.overflowed + this.#callers.overflowed,
      history,
    });
  }

  #started(side: CallSide, call: InvokeRequest): number {
    const nowMs = this.#settings.now();
    const edge = side === "caller" ? this.#outgoing(call, nowMs) : this.#incoming(call, nowMs);
    const flight = this.#flights.begin(edge, nowMs);
    edge.lastUsedMs = nowMs;
    edge.total += 1;
    if (flight >= 0) edge.inFlight += 1;
    return flight;
  }

  #outgoing(call: InvokeRequest, nowMs: number): Edge {
    return this.#callees.find(call, call.target, "", nowMs);
  }

  #incoming(call: ReceivedCall, nowMs: number): Edge {
    const { peer, metadata } = call;
    const name = peer?.appId ?? headerValue(metadata, "dapr-caller-app-id") ?? "";
    const namespace = peer?.namespace ?? headerValue(metadata, "dapr-caller-namespace") ?? "";
    const edge = this.#callers.find(call, name, namespace, nowMs);
    edge.isProven = peer !== undefined;
    return edge;
  }

  #resolved(
    token: unknown,
    target: ResolveRequest | ExternalTarget,
    endpoint: Endpoint | undefined,
  ): void {
    const edge = this.#flights.edgeOf(token as number);
    if (edge === undefined) return;
    edge.endpoint = endpoint;
    edge.isExternal = "kind" in target && (target.kind === "endpoint" || target.kind === "url");
  }

  #retried(token: unknown): void {
    const nowMs = this.#settings.now();
    const edge = this.#flights.edgeOf(token as number);
    edge?.short.retried(nowMs);
    edge?.long.retried(nowMs);
  }

  #finished(
    token: unknown,
    call: InvokeRequest,
    outcome: InvokeResponse | undefined,
    failure: unknown,
  ): void {
    const flight = token as number;
    const edge = this.#flights.edgeOf(flight);
    if (edge === undefined) return;
    const nowMs = this.#settings.now();
    const durationMs = nowMs - this.#flights.startedAt(flight);
    this.#flights.end(flight);
    edge.inFlight -= 1;
    edge.lastUsedMs = nowMs;
    const bucket = bucketOf(durationMs);
    const at = classOf(outcome, failure);
    edge.short.record(nowMs, at, bucket);
    edge.long.record(nowMs, at, bucket);
    if (at >= successClasses) noteError(edge, at, outcome, failure, nowMs);
    if (call.trace !== undefined) edge.offerTrace(call.trace, durationMs, nowMs);
  }
}

function noteError(
  edge: Edge,
  at: number,
  outcome: InvokeResponse | undefined,
  failure: unknown,
  nowMs: number,
): void {
  edge.errors += 1;
  edge.erroredAtMs = nowMs;
  if (outcome !== undefined) {
    edge.errorCode = outcomeClasses[at] as string;
    edge.errorText = `${at < outcomeClasses.indexOf("grpc-error") ? "HTTP status" : "gRPC status"} ${outcome.status.code}`;
    return;
  }
  edge.errorCode = isOutriggerError(failure) ? failure.code : "failed";
  const text = failure instanceof Error ? failure.message : String(failure);
  edge.errorText = text.slice(0, maxTextLength);
}

/** A URL is known by its origin: what follows may hold secrets. */
function readTarget(target: string, ownNamespace: string): Party & { isExternal: boolean } {
  try {
    const read = parseTarget(target, ownNamespace);
    if (read.kind === "app") {
      return { name: read.appId, namespace: read.namespace, isExternal: false };
    }
    return { name: new URL(read.url).origin, namespace: "", isExternal: true };
  } catch {
    return { name: "invalid target", namespace: "", isExternal: false };
  }
}

function readCaller(name: string, namespace: string): Party & { isExternal: boolean } {
  return { name: name || "unknown", namespace: namespace || "default", isExternal: false };
}
