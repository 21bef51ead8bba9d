import type { InvokeRequest, InvokeResponse } from "./call.ts";
import type { ExternalTarget } from "./external-targets.ts";
import type { Endpoint, ResolveRequest } from "./resolver.ts";

/** Which half of the pipeline a call is in. */
export type CallSide = "caller" | "callee";

/**
 * The fixed events of the pipeline. Every method is optional and none may throw; what nobody
 * listens to costs one comparison. `started` may return a token which comes back with the later events, so that
 * a listener keeps per-call state without a look-up.
 */
export interface Telemetry {
  started?(side: CallSide, call: InvokeRequest): unknown;
  /**
   * The target is known. An app has an `appId`, and an endpoint unless it is the own app; a server
   * outside the mesh has a `kind` and never an endpoint.
   */
  resolved?(
    token: unknown,
    target: ResolveRequest | ExternalTarget,
    endpoint: Endpoint | undefined,
  ): void;
  /** An attempt failed and another one follows after `delayMs`. */
  retried?(token: unknown, reason: unknown, delayMs: number): void;
  denied?(token: unknown, call: InvokeRequest, reason: string): void;
  /** Exactly once per started call: with the answer, or with what was thrown instead. */
  finished?(
    token: unknown,
    call: InvokeRequest,
    outcome: InvokeResponse | undefined,
    failure: unknown,
  ): void;
}

/** Joins listeners into one. Nobody listening gives `undefined`, which the pipeline skips. */
export function joinTelemetry(listeners: readonly Telemetry[]): Telemetry | undefined {
  if (listeners.length < 2) return listeners[0];
  return {
    started: (side, call) => listeners.map((listener) => listener.started?.(side, call)),
    resolved: (tokens, target, endpoint) => {
      listeners.forEach((listener, index) => {
        listener.resolved?.((tokens as unknown[])[index], target, endpoint);
      });
    },
    retried: (tokens, reason, delayMs) => {
      listeners.forEach((listener, index) => {
        listener.retried?.((tokens as unknown[])[index], reason, delayMs);
      });
    },
    denied: (tokens, call, reason) => {
      listeners.forEach((listener, index) => {
        listener.denied?.((tokens as unknown[])[index], call, reason);
      });
    },
    finished: (tokens, call, outcome, failure) => {
      listeners.forEach((listener, index) => {
        listener.finished?.((tokens as unknown[])[index], call, outcome, failure);
      });
    },
  };
}
