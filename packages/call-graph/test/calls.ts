import { type CallGraph, type CallGraphOptions, callGraph } from "@outrigger/call-graph";
import {
  type CallSide,
  emptyBody,
  type InvokeResponse,
  type ReceivedCall,
  type ResolveRequest,
} from "@outrigger/core";

export type Changes = Partial<ReceivedCall> & { readonly verb?: string };

/** A call as the telemetry sees it. */
export function call({ verb = "GET", ...changes }: Changes = {}): ReceivedCall {
  return {
    ...{ target: "orders", method: "neworder", origin: "http", metadata: [], contentType: "" },
    ...{ typeUrl: "", body: emptyBody, bodyLength: 0, signal: new AbortController().signal },
    http: { verb, query: "" },
    ...changes,
  };
}

/** An answer of the app. */
export function answer(code: number): InvokeResponse {
  return {
    status: { code, message: "", details: [] },
    ...{ headers: [], trailers: [], contentType: "", typeUrl: "", body: emptyBody },
  };
}

/** A graph whose clock the test owns. */
export class TestGraph {
  nowMs = 1_000_000;
  readonly graph: CallGraph;

  constructor(options: Partial<CallGraphOptions> = {}) {
    this.graph = callGraph({
      appId: "checkout",
      now: () => this.nowMs,
      epochMs: () => 1_700_000_000_000 + this.nowMs,
      ...options,
    });
  }

  begin(
    side: CallSide,
    request: ReceivedCall,
  ): (end: { code?: number; failure?: unknown }) => void {
    const { telemetry } = this.graph;
    const token = telemetry.started?.(side, request);
    return ({ code, failure }) =>
      telemetry.finished?.(token, request, code === undefined ? undefined : answer(code), failure);
  }

  /** One call from begin to end. */
  run(
    durationMs: number,
    end: { code?: number; failure?: unknown } = { code: 200 },
    changes: Changes & { readonly side?: CallSide } = {},
  ): void {
    const { side = "caller", ...rest } = changes;
    const finish = this.begin(side, call(rest));
    this.nowMs += durationMs;
    finish(end);
  }

  resolveTo(target: ResolveRequest, port: number): void {
    const { telemetry } = this.graph;
    const request = call({ target: target.appId });
    const token = telemetry.started?.("caller", request);
    telemetry.resolved?.(token, target, { host: "127.0.0.1", port });
    telemetry.retried?.(token, new Error("lost"), 10);
    telemetry.finished?.(token, request, answer(200), undefined);
  }
}
