import type { AccessDecision } from "./access-policy.ts";
import type { InvokeRequest, InvokeResponse, PeerIdentity, ReceivedCall } from "./call.ts";
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
  /** One attempt goes out to an app's sidecar, to a server outside, or is proxied. Without a token. */
  sent?(target: string, form: CallForm): void;
  /**
   * That attempt was answered, whatever the answer says; one that broke off never is, unless it was
   * proxied. `code` is that of `CallStatus`.
   */
  answered?(target: string, form: CallForm, code: number, elapsedMs: number): void;
  /** Access control decided on a call that came in. */
  judged?(peer: PeerIdentity | undefined, decision: AccessDecision): void;
  /** A call that came in and may be made goes to the app. */
  received?(call: ReceivedCall): void;
  /** That call is over. `code` is that of `CallStatus`. */
  replied?(call: ReceivedCall, code: number): void;
}

/** How an attempt is made: one message each way, or a stream that its client announced as one. */
export type CallForm = "unary" | "streaming";
