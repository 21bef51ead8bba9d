import type { AccessPolicy } from "./access-policy.ts";
import type { AppChannel } from "./app-channel.ts";
import type { AppHealthSettings } from "./app-health.ts";
import type { Balancer } from "./balancer.ts";
import type { Component, ComponentContext, ComponentFactory } from "./component.ts";
import type { ExternalTargets } from "./external-targets.ts";
import type { WorkloadIdentity } from "./identity.ts";
import type { IngressFactory } from "./ingress.ts";
import type { BuiltInRetry } from "./invocation/remote.ts";
import type { Logger } from "./logger.ts";
import type { ComponentDescription, SidecarDescription } from "./metadata.ts";
import type { ProxyChannel } from "./proxy.ts";
import type { Resiliency } from "./resiliency.ts";
import type { Resolver } from "./resolver.ts";
import type { Telemetry } from "./telemetry.ts";
import type { Tracer } from "./tracer.ts";
import type { Transport } from "./transport.ts";

/** What a runtime is composed of. Only the app id and the transport are required. */
export interface RuntimeOptions {
  /** Identity of this app in the mesh. */
  readonly appId: string;
  /** Default `default`. */
  readonly namespace?: string;
  readonly transport: ComponentFactory<Transport>;
  /** Without one, only the own app can be called. */
  readonly resolver?: ComponentFactory<Resolver>;
  /** Without one, calls to this app are refused. */
  readonly appChannel?: ComponentFactory<AppChannel>;
  /** The way of proxied gRPC calls to the app. Without one, they are refused. */
  readonly appProxy?: ComponentFactory<ProxyChannel>;
  /** The way to HTTP servers outside the mesh. Without one, only apps can be called. */
  readonly egress?: ComponentFactory<ExternalTargets>;
  readonly ingresses?: readonly IngressFactory[];
  /** Others that live as long as the runtime does: started first, stopped last. */
  readonly companions?: readonly Component[];
  /** Default: everybody may call everything. */
  readonly accessPolicy?: ComponentFactory<AccessPolicy>;
  readonly identity?: ComponentFactory<WorkloadIdentity>;
  /** Default: exact round robin per target. */
  readonly balancer?: Balancer;
  /** Default: 3 retries, 1000 ms apart. */
  readonly retry?: BuiltInRetry;
  /** Timeouts, retries and circuit breakers of the calls of this app. Default: `retry` alone. */
  readonly resiliency?: ComponentFactory<Resiliency>;
  readonly telemetry?: readonly Telemetry[];
  /** Default: contexts of traces are passed on, and nobody records spans. */
  readonly tracer?: ComponentFactory<Tracer>;
  /** Probing of the app. Default: the app counts as healthy. */
  readonly appHealth?: AppHealthSettings;
  /** Address announced to peers. Default `127.0.0.1`. */
  readonly host?: string;
  /** Name of the machine, told to callees. Left out by default. */
  readonly hostname?: string;
  /** Port of the HTTP API, announced for health checks. Default 0. */
  readonly httpPort?: number;
  /** Facts for the metadata routes. */
  readonly description?: Partial<SidecarDescription>;
  /** The components to list at this moment, in place of the description's. */
  readonly components?: () => readonly ComponentDescription[];
  /** Default: silent. */
  readonly log?: Logger;
  /** Milliseconds since the epoch. Default `Date.now`. */
  readonly now?: () => number;
  /** Default `Math.random`. */
  readonly random?: () => number;
  /** Called when a client asks for shutdown through an API. Default: the runtime stops itself. */
  readonly onShutdownRequest?: (force: boolean) => void;
}

/** The context that every component of a runtime gets. */
export function contextOf(options: RuntimeOptions, log: Logger): ComponentContext {
  return {
    appId: options.appId,
    namespace: options.namespace ?? "default",
    log,
    now: options.now ?? Date.now,
    random: options.random ?? Math.random,
  };
}

/** Fills in what a description leaves out. */
export function describe(options: RuntimeOptions): SidecarDescription {
  const appConnection = {
    port: 0,
    protocol: "http",
    channelAddress: "127.0.0.1",
    maxConcurrency: 0,
  } as const;
  return {
    runtimeVersion: "1.18.1",
    enabledFeatures: [],
    components: [],
    httpEndpoints: [],
    resiliencies: [],
    appConnection,
    ...options.description,
  };
}
