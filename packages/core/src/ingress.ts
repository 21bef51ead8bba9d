import type { InvokeRequest, InvokeResponse } from "./call.ts";
import type { Component, ComponentContext } from "./component.ts";
import type { MetadataView } from "./metadata.ts";
import type { ProxyCall, ProxyResponse } from "./proxy.ts";
import type { ListenAddress } from "./transport.ts";

/** What the runtime offers to an ingress. */
export interface Sidecar {
  readonly appId: string;
  readonly namespace: string;
  /** The caller's half of an invocation. Failures of the sidecars are thrown as OutriggerError. */
  invoke(request: InvokeRequest): Promise<InvokeResponse>;
  /** Proxies a call of a user's gRPC service to the app that its metadata names. */
  proxy(call: ProxyCall): Promise<ProxyResponse>;
  readonly health: HealthView;
  readonly metadata: MetadataView;
  /** Asks the owner of the runtime to shut down; `force` skips the graceful phase. Returns at once. */
  requestShutdown(force: boolean): void;
}

/** Readiness as the health routes tell it. */
export interface HealthView {
  /** Names of everything that is not ready; empty when the sidecar is ready. */
  unready(): readonly string[];
  /** True once the sidecar can invoke others, even while its own app is awaited. */
  outboundReady(): boolean;
}

/** An API that the local app calls. */
export interface Ingress extends Component {
  /** Where it listens, once started. */
  addresses(): readonly ListenAddress[];
  /** Accepts nothing new and resolves when requests under way have ended, or the signal aborts. */
  drain(signal: AbortSignal): Promise<void>;
}

/** Makes an ingress; the sidecar behind it arrives with the context. */
export type IngressFactory = (context: ComponentContext, sidecar: Sidecar) => Ingress;
