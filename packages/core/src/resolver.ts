import type { Component } from "./component.ts";

/** What a lookup asks for. Ids are compared byte for byte, case matters. */
export interface ResolveRequest {
  readonly appId: string;
  /** The namespace the caller means; never empty. */
  readonly namespace: string;
}

/** Where one sidecar accepts calls from other sidecars. */
export interface Endpoint {
  /** IPv4, IPv6 without brackets, or a host name. */
  readonly host: string;
  /** Internal gRPC port of the target's sidecar, 1 to 65535. */
  readonly port: number;
  /** Zone for locality-aware balancing, when the registry knows it. */
  readonly zone?: string;
  /** Namespace of the instance, when the registry knows it. */
  readonly namespace?: string;
}

/** What a resolver announces about its own sidecar. */
export interface Instance {
  readonly appId: string;
  readonly namespace: string;
  /** Address that peers dial: an IP address or a host name. */
  readonly host: string;
  /** Internal gRPC port. */
  readonly internalPort: number;
  /** Port of the HTTP API; 0 when there is none. */
  readonly httpPort: number;
  /** Port of the app; 0 when the sidecar has no app. */
  readonly appPort: number;
}

/** What an implementation can do. Conformance selects its cases by these. */
export interface ResolverFeatures {
  /** Registers its own instance with `announce`. */
  readonly announces: boolean;
  /** Never answers with an instance of another namespace. */
  readonly namespaces: boolean;
  /** Notices on its own that an instance has gone. */
  readonly expires: boolean;
  /** Implements `watch`. */
  readonly watches: boolean;
}

/** How an attempt to reach an endpoint ended, as feedback to the resolver. */
export type EndpointOutcome = "reached" | "unreachable";

/** App id to endpoints. */
export interface Resolver extends Component {
  readonly features: ResolverFeatures;
  /**
   * All endpoints known now, in no particular order; choosing one is the balancer's work.
   * An endpoint that was reported unreachable is left out while another one is known.
   * @throws OutriggerError `OTR_RESOLVE_NOT_FOUND` when the app has no endpoint,
   *   `OTR_RESOLVE_FAILED` when the registry could not be asked, `OTR_STOPPED` after `stop`.
   */
  resolve(request: ResolveRequest, signal: AbortSignal): Promise<readonly Endpoint[]>;
  /**
   * Makes the instance findable. Resolves when peers can find it.
   * @throws OutriggerError `OTR_OPTIONS_INVALID` when app id, host or port is missing or malformed.
   */
  announce?(instance: Instance, signal: AbortSignal): Promise<void>;
  /** Takes back every announcement, so that peers stop calling. Idempotent; does not stop resolving. */
  withdraw?(): Promise<void>;
  /** Calls back with each new endpoint set of an app. Returns the function that ends the watch. */
  watch?(request: ResolveRequest, listener: (endpoints: readonly Endpoint[]) => void): () => void;
  /** Feedback from the runtime after an attempt. Must not throw. */
  report?(request: ResolveRequest, endpoint: Endpoint, outcome: EndpointOutcome): void;
}
