import type { InvokeRequest, InvokeResponse, ReceivedCall } from "./call.ts";
import type { Component } from "./component.ts";
import type { ProxyCall, ProxyResponse } from "./proxy.ts";
import type { Endpoint, ResolveRequest } from "./resolver.ts";

/** What an implementation can do. Conformance selects its cases by these. */
export interface TransportFeatures {
  /** Bodies of unknown length travel as streams with back-pressure, in both directions. */
  readonly streams: boolean;
  /** Crosses process boundaries, so connections can be lost. */
  readonly remote: boolean;
}

/** A pooled way to one endpoint. Cheap to ask for; dials when first used. */
export interface Connection {
  /**
   * Sends the call and resolves with the app's answer once its head is known; a streamed body
   * follows by itself.
   * @throws OutriggerError `OTR_PEER_UNAVAILABLE` when the endpoint cannot be reached or the
   *   connection broke (safe to try elsewhere), `OTR_PEER_UNAUTHENTICATED` when identities do not
   *   fit, `OTR_PEER_FAILED` for any other failure that the peer's sidecar reported,
   *   `OTR_ABORTED` and `OTR_TIMEOUT` for the caller's signal and deadline.
   */
  invoke(call: InvokeRequest): Promise<InvokeResponse>;
  /** Carries a proxied call; absent when the transport does not. Throws as `invoke` does. */
  proxy?(call: ProxyCall): Promise<ProxyResponse>;
  /** Drops the connection so that the next use dials again. Calls under way end as they can. */
  reset(): void;
}

/** The callee's half, handed to `listen` by the runtime. */
export interface TransportHandler {
  /**
   * Asked before anything of a call is read. Throws as `receive` does when there is no app to take it.
   * Absent means there is one.
   */
  assertHasApp?(): void;
  /** @throws OutriggerError whose `rpc` status the transport puts on the wire. */
  receive(call: ReceivedCall): Promise<InvokeResponse>;
  /** Takes a proxied call, for transports that carry them. Throws as `receive` does. */
  proxy(call: ProxyCall): Promise<ProxyResponse>;
}

/** Where a transport accepts calls. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** Sidecar to sidecar. Connections are pooled per endpoint and expected peer. */
export interface Transport extends Component {
  readonly features: TransportFeatures;
  /** @param peer whom the endpoint must prove to be, when identities are in use. */
  connect(endpoint: Endpoint, peer: ResolveRequest): Connection;
  /** Starts to accept calls. @throws OutriggerError `OTR_LISTEN_FAILED` when the port cannot be bound. */
  listen(handler: TransportHandler, signal: AbortSignal): Promise<ListenAddress>;
  /** Refuses new calls and resolves when those under way have ended, or when the signal aborts. */
  drain(signal: AbortSignal): Promise<void>;
}
