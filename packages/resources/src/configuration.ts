import type { JsonValue } from "./yaml-tree.ts";

/** A middleware in a pipeline; it names a loaded component by name, type and version. */
export interface PipelineHandler {
  readonly name: string;
  readonly type: string;
  readonly version: string;
  readonly selector: readonly { readonly field: string; readonly value: string }[];
}

/** `tracing.otel`. */
export interface OtelSpec {
  /** `grpc` or `http`; empty when not given. Checked where the exporter is made. */
  readonly protocol: string;
  /** `host:port`. */
  readonly endpointAddress: string;
  /** Default true. */
  readonly isSecure: boolean;
  /** Pairs in the form `name=value`. */
  readonly headers: readonly string[];
  readonly timeoutMs: number | undefined;
}

/** `tracing`. */
export interface TracingSpec {
  /** As written; 0 to 1 when it is a number. Empty when not given. */
  readonly samplingRate: string;
  readonly stdout: boolean;
  /** Empty: no Zipkin exporter. */
  readonly zipkinEndpointAddress: string;
  readonly otel: OtelSpec;
}

/** A rewriting rule for label values of a metric. */
export interface MetricRule {
  readonly name: string;
  readonly labels: readonly {
    readonly name: string;
    /** Pattern by the value that replaces it. */
    readonly regex: Readonly<Record<string, string>>;
  }[];
}

/**
 * `metric` with `metrics` over it. Fields that nobody set are missing, and the order is Dapr's, so
 * that `JSON.stringify` gives the text of its `metric spec:` line.
 */
export interface MetricSpec {
  /** Default true. */
  readonly enabled: boolean;
  readonly recordErrorCodes?: boolean;
  readonly http?: {
    /** Default true. */
    readonly increasedCardinality?: boolean;
    readonly pathMatching?: readonly string[];
    readonly excludeVerbs?: boolean;
  };
  /** Milliseconds. */
  readonly latencyDistributionBuckets?: readonly number[];
  readonly rules?: readonly MetricRule[];
}

/** `mtls`. The sidecar itself turns on mutual TLS by flag only; Sentry reads this. */
export interface MtlsSpec {
  readonly enabled: boolean;
  /** Default 24 hours in the certificate authority. */
  readonly workloadCertTtlMs: number | undefined;
  readonly allowedClockSkewMs: number | undefined;
  readonly sentryAddress: string;
  readonly controlPlaneTrustDomain: string;
  readonly tokenValidators: readonly { readonly name: string; readonly options: JsonValue }[];
}

/** One operation of an access policy. */
export interface AccessControlOperation {
  readonly name: string;
  readonly httpVerb: readonly string[];
  readonly action: string;
}

/** Rules for one calling app. */
export interface AccessControlPolicy {
  readonly appId: string;
  readonly defaultAction: string;
  readonly trustDomain: string;
  readonly namespace: string;
  readonly operations: readonly AccessControlOperation[];
}

/** `accessControl`. Actions are as written. */
export interface AccessControlSpec {
  /** Default `allow`. */
  readonly defaultAction: string;
  /** Default `public`. */
  readonly trustDomain: string;
  readonly policies: readonly AccessControlPolicy[];
}

/** One resolver of a list in `nameResolution.component`. */
export interface NameResolutionMember {
  readonly component: string;
  /** Default `v1`. */
  readonly version: string;
  /** Handed to the resolver as it is. */
  readonly configuration: JsonValue | undefined;
  /** `timeout`; `undefined`: the default of the chain. */
  readonly timeoutMs: number | undefined;
}

/** `nameResolution`. */
export interface NameResolutionSpec {
  /** Empty: the default of the mode, or a list. */
  readonly component: string;
  /** Default `v1`. */
  readonly version: string;
  /** Handed to the resolver as it is; where `component` is a list, options of the chain. */
  readonly configuration: JsonValue | undefined;
  /** The resolvers where `component` is a list, else `undefined`. */
  readonly members: readonly NameResolutionMember[] | undefined;
  /** How calls are spread over the instances of an app; `undefined`: in turn. */
  readonly balancer: JsonValue | undefined;
}

/** Opens or closes an endpoint of the APIs. */
export interface ApiAccessRule {
  readonly name: string;
  readonly version: string;
  /** `http` or `grpc`, as written. */
  readonly protocol: string;
}

/** `logging.apiLogging`. */
export interface LoggingSpec {
  /** `undefined`: off unless the flag says otherwise. */
  readonly enabled: boolean | undefined;
  readonly obfuscateUrls: boolean;
  readonly omitHealthChecks: boolean;
}

/** A feature switch. */
export interface Feature {
  readonly name: string;
  readonly enabled: boolean;
}

/** Everything in a Configuration that concerns service invocation, with Dapr's defaults. */
export interface Configuration {
  readonly httpPipeline: readonly PipelineHandler[];
  readonly appHttpPipeline: readonly PipelineHandler[];
  readonly tracing: TracingSpec;
  readonly metric: MetricSpec;
  readonly mtls: MtlsSpec;
  /** `undefined`: no Configuration has an `accessControl`, so everybody may call. */
  readonly accessControl: AccessControlSpec | undefined;
  readonly nameResolution: NameResolutionSpec;
  readonly api: {
    readonly allowed: readonly ApiAccessRule[];
    readonly denied: readonly ApiAccessRule[];
  };
  readonly apiLogging: LoggingSpec;
  readonly features: readonly Feature[];
  /** Component types, or `type/version`, that must not load. */
  readonly deniedComponents: readonly string[];
}
