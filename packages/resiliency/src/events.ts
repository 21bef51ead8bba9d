/** State of a circuit breaker, in Dapr's words. */
export type BreakerState = "closed" | "half-open" | "open";

/**
 * Something that happened, for counters. A `lookup` is one API call that a policy is attached to; an
 * `activation` is a policy that did something: the first pause of a call, its first expiry, a change
 * of a breaker's state by the outcome of an attempt.
 */
export interface ResiliencyEvent {
  readonly type: "lookup" | "activation";
  readonly policy: "timeout" | "retry" | "circuitbreaker";
  /** As the caller wrote it. */
  readonly target: string;
  /** Of breakers alone: the state found, or the new one. */
  readonly state?: BreakerState;
}
