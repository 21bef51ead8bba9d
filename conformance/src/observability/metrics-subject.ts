import type { Telemetry } from "@outrigger/core";

/** What is measured and how it is labelled: Dapr's `spec.metrics` as options. Absent fields have Dapr's defaults. */
export interface MetricsSpec {
  /** Whose sidecar measures: label `app_id`. */
  readonly appId: string;
  readonly http?: {
    /** Default true. */
    readonly increasedCardinality?: boolean;
    readonly pathMatching?: readonly string[];
    /** Default false. */
    readonly excludeVerbs?: boolean;
  };
  /** Bounds of latency histograms in milliseconds; empty means the defaults. */
  readonly latencyBucketsMs?: readonly number[];
  readonly rules?: readonly MetricsRule[];
  /** Default false. */
  readonly recordErrorCodes?: boolean;
}

/** A rewriting of label values of one metric. */
export interface MetricsRule {
  readonly name: string;
  readonly labels: readonly {
    readonly name: string;
    /** Pattern by the value that replaces what it matches. */
    readonly regex: Readonly<Record<string, string>>;
  }[];
}

/** A request that is over. Times are given, so that a recorder needs no clock. */
export interface MeasuredRequest {
  readonly method: string;
  /** Decoded, without query. */
  readonly path: string;
  readonly status: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly durationMs: number;
}

/** What a circuit breaker did at a call. */
export interface BreakerEvent {
  /** A call asked for its policy, or the policy did something. */
  readonly type: "lookup" | "activation";
  readonly target: string;
  /** The state that the call found, or that began. */
  readonly state: "closed" | "half-open" | "open";
}

/** A recorder, and the ends through which events reach it. */
export interface RecorderUnderTest {
  /** Calls between sidecars. */
  readonly telemetry: Telemetry;
  /** The HTTP API answered a client. */
  httpServed(request: MeasuredRequest): void;
  /** The app answered the sidecar. */
  appAnswered(request: MeasuredRequest): void;
  /** Needed with the feature `breakers`. */
  breaker?(event: BreakerEvent): void;
  /** An answer to a client had this error code. Needed with the feature `errorCodes`. */
  errorCode?(code: string): void;
  /** What Prometheus would read, without families of the process. */
  scrape(): Promise<string> | string;
}

/** A metrics recorder under test. */
export interface MetricsSubject {
  readonly make: (spec: MetricsSpec) => Promise<RecorderUnderTest> | RecorderUnderTest;
  /** Serves a recorder's text on a free loopback port. Leave it out where something else serves it. */
  readonly serve?: (recorder: RecorderUnderTest) => Promise<MetricsServerUnderTest>;
  readonly features?: MetricsFeatures;
}

/** A server of metrics under test. */
export interface MetricsServerUnderTest {
  readonly port: number;
  close(): Promise<void>;
}

/** What a recorder may leave out. All are on unless they are `false`. */
export interface MetricsFeatures {
  /** Rules on label values. */
  readonly rules?: boolean;
  readonly breakers?: boolean;
  readonly errorCodes?: boolean;
}
