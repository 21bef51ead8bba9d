import type { JsonValue } from "./yaml-tree.ts";

/** Where a secret value lies. */
export interface SecretKeyRef {
  readonly name: string;
  /** Equals `name` when the document gives no key. */
  readonly key: string;
}

/** A named value: literal, from a secret, or from an environment variable. */
export interface NamedValue {
  readonly name: string;
  /** Values that are no text are given as JSON. */
  readonly value: string | undefined;
  readonly secretKeyRef: SecretKeyRef | undefined;
  readonly envRef: string | undefined;
}

/** A Component document. */
export interface ComponentDocument {
  readonly kind: "Component";
  readonly name: string;
  readonly namespace: string;
  /** `category.name`, for example `middleware.http.bearer`. */
  readonly type: string;
  readonly version: string;
  readonly metadata: readonly NamedValue[];
  readonly ignoreErrors: boolean;
  /** Default 5000. */
  readonly initTimeoutMs: number;
  readonly secretStore: string;
  readonly scopes: readonly string[];
  readonly file: string;
}

/** PEM text, or the secret that holds it. */
export interface TlsValue {
  readonly value: string | undefined;
  readonly secretKeyRef: SecretKeyRef | undefined;
}

/** `clientTLS` of an HTTP endpoint. */
export interface TlsDocument {
  readonly rootCa: TlsValue | undefined;
  readonly certificate: TlsValue | undefined;
  readonly privateKey: TlsValue | undefined;
  readonly renegotiation: string;
}

/** An HTTPEndpoint document. */
export interface HttpEndpointDocument {
  readonly kind: "HTTPEndpoint";
  readonly name: string;
  readonly namespace: string;
  readonly baseUrl: string;
  readonly headers: readonly NamedValue[];
  readonly clientTls: TlsDocument | undefined;
  readonly secretStore: string;
  readonly scopes: readonly string[];
  readonly file: string;
}

/** What a Resiliency document defines. Empty text stands for what is not said. */
export interface ResiliencySpec {
  readonly timeouts: Readonly<Record<string, string>>;
  readonly retries: Readonly<Record<string, RetryDocument>>;
  readonly circuitBreakers: Readonly<Record<string, CircuitBreakerDocument>>;
  /** Not Dapr's, which passes over it. */
  readonly hedges?: Readonly<Record<string, HedgeDocument>> | undefined;
  /** Not Dapr's, which passes over it. */
  readonly retryBudget?: RetryBudgetDocument | undefined;
  readonly apps: Readonly<Record<string, TargetDocument>>;
  /** Read for the sake of their mistakes. */
  readonly actors: Readonly<Record<string, ActorTargetDocument>>;
}

/** A retry policy. */
export interface RetryDocument {
  readonly policy: string;
  readonly duration: string;
  readonly maxInterval: string;
  readonly maxRetries: number | undefined;
  readonly httpStatusCodes: string;
  readonly grpcStatusCodes: string;
}

/** A circuit breaker. */
export interface CircuitBreakerDocument {
  readonly maxRequests: number | undefined;
  readonly interval: string;
  readonly timeout: string;
  readonly trip: string;
}

/** When an attempt that takes long is joined by another one. */
export interface HedgeDocument {
  readonly delay: string;
  readonly maxAttempts: number | undefined;
}

/** How many retries the calls of a target may have. */
export interface RetryBudgetDocument {
  readonly ratio: string;
  readonly minPerSecond: string;
}

/** The names of a target's policies. */
export interface TargetDocument {
  readonly timeout: string;
  readonly retry: string;
  readonly circuitBreaker: string;
  readonly hedge?: string | undefined;
  readonly circuitBreakerCacheSize: number | undefined;
}

/** The same for a type of actors. */
export interface ActorTargetDocument extends TargetDocument {
  readonly circuitBreakerScope: string;
}

/** A Resiliency document; what its texts mean is read by whoever carries the policies out. */
export interface ResiliencyDocument {
  readonly kind: "Resiliency";
  readonly name: string;
  readonly namespace: string;
  readonly spec: ResiliencySpec;
  readonly scopes: readonly string[];
  readonly file: string;
}

/** A Configuration document among the resources; it is watched, and never used as configuration. */
export interface ConfigurationDocument {
  readonly kind: "Configuration";
  readonly name: string;
  readonly namespace: string;
  readonly spec: JsonValue;
  readonly scopes: readonly string[];
  readonly file: string;
}

/** Something for the log, with the scope that Dapr logs it under. */
export interface ResourceNotice {
  readonly level: "warn" | "error";
  readonly scope: string;
  readonly message: string;
  /** True when it is about a file that is none of ours, so that no document is lost. */
  readonly harmless?: boolean;
}
