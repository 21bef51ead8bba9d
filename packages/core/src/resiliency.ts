import type { Component } from "./component.ts";
import type { BuiltInRetry } from "./invocation/remote.ts";

/**
 * Decides how long calls may take, how often they are tried, and when they are not even begun. The
 * caller's side alone asks; without one nothing of it costs anything.
 */
export interface Resiliency extends Component {
  /** The retries of calls to other sidecars, in place of the runtime's own ones. */
  readonly builtInRetry?: BuiltInRetry | undefined;
  /** Whether an app has an entry of its own. The built-in retries then leave its calls alone. */
  hasTarget(appId: string): boolean;
  /**
   * The policy of one call; `undefined` when nothing is to be done. Asked once per call.
   * @param target as the caller wrote it: an app id with or without namespace, an endpoint, a URL.
   * @param key what is called there. Circuit breakers remember each one by itself.
   */
  policyFor(target: string, key: string): CallPolicy | undefined;
}

/** The policies of one call. */
export interface CallPolicy {
  /** Whether an attempt may be followed by another one. Bodies are kept for it only then. */
  readonly retries: boolean;
  /** Whether an attempt that takes long may be joined by another one. Default false. */
  readonly hedges?: boolean;
  /** Longest body that is kept, in bytes. */
  readonly maxReplayBytes: number;
  /**
   * Makes the attempts. Resolves with the answer that the caller gets; no attempt begins after that.
   * @throws OutriggerError `OTR_CIRCUIT_OPEN` when the call was not let through, `OTR_TIMEOUT` when
   *   time was up, `OTR_ABORTED` when the caller left during a pause; else whatever the last attempt
   *   threw.
   */
  run<T>(call: PolicedCall<T>): Promise<T>;
}

/** A call that a policy tries. */
export interface PolicedCall<T> {
  /** Aborted when the caller has gone away. */
  readonly signal: AbortSignal;
  /** Absolute time in milliseconds since the epoch after which nobody waits. */
  readonly deadlineMs: number | undefined;
  /** True when time limits do not apply, as to streams. */
  readonly untimed?: boolean;
  /** One attempt. @param signal also aborts when the attempt's time is up. */
  attempt(signal: AbortSignal): Promise<AttemptResult<T>>;
  /** Asked after a failed attempt: whether the call is still whole. */
  repeatable(): boolean;
  /**
   * Asked while attempts are under way: whether one more may join them. Then the call does no harm
   * when it is made twice, and there is an instance that has not got it yet. Absent: never.
   */
  hedgeable?(underWay: number): boolean;
  /** Gets an answer that another attempt replaces, or that came too late. */
  discard(value: T): void;
  /** Told before the pause that precedes another attempt. */
  retrying?(reason: unknown, delayMs: number): void;
}

/** An answer, and what to think of it. */
export interface AttemptResult<T> {
  readonly value: T;
  /**
   * The answer counts as a failure. `code` is what lists of codes are matched with; without one the
   * failure may always be retried.
   */
  readonly failure?: { readonly code: number | undefined } | undefined;
  /** Resolves once the answer has been passed on: whether to its end. Never rejects. */
  readonly ended?: Promise<boolean> | undefined;
}
