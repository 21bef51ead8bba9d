import type { AppChannel } from "./app-channel.ts";
import type { AppHealth } from "./app-health.ts";
import { roundRobin } from "./balancer.ts";
import type { InvokeRequest, InvokeResponse } from "./call.ts";
import type { Component, ComponentContext } from "./component.ts";
import type { WorkloadIdentity } from "./identity.ts";
import { EndpointPicker } from "./invocation/endpoint-picker.ts";
import { createInvoke } from "./invocation/invoke.ts";
import { createProxy, createProxyReceive, type ProxyParts } from "./invocation/proxy.ts";
import { createReceive, requireAppChannel } from "./invocation/receive.ts";
import { RemoteInvoker } from "./invocation/remote.ts";
import { joinTelemetry } from "./join-telemetry.ts";
import type { Logger } from "./logger.ts";
import type { ProxyCall, ProxyResponse } from "./proxy.ts";
import type { Resolver } from "./resolver.ts";
import { contextOf, type RuntimeOptions } from "./runtime-options.ts";
import type { Transport, TransportHandler } from "./transport.ts";

/** The components of a runtime and the paths of calls through them. */
export interface RuntimeParts {
  readonly context: ComponentContext;
  readonly identity: WorkloadIdentity | undefined;
  readonly transport: Transport;
  readonly resolver: Resolver | undefined;
  readonly appChannel: AppChannel | undefined;
  /** What starts before anything listens, in order. */
  readonly base: readonly Component[];
  /** The caller's half of an invocation. */
  readonly invoke: (request: InvokeRequest) => Promise<InvokeResponse>;
  readonly proxy: (call: ProxyCall) => Promise<ProxyResponse>;
  /** The callee's half of both. */
  readonly handler: TransportHandler;
}

/** Makes and wires the components that the options choose. Nothing is started. */
export function composeParts(
  options: RuntimeOptions,
  appHealth: AppHealth,
  log: Logger,
): RuntimeParts {
  const bare = contextOf(options, log);
  const identity = options.identity?.(bare);
  const tracer = options.tracer?.(bare);
  const context = { ...bare, identity, tracer };
  const accessPolicy = options.accessPolicy?.(context);
  const appChannel = options.appChannel?.(context);
  const appProxy = options.appProxy?.(context);
  const egress = options.egress?.(context);
  const transport = options.transport(context);
  const resolver = options.resolver?.(context);
  const resiliency = options.resiliency?.(context);

  const telemetry = joinTelemetry(options.telemetry ?? []);
  const picker = new EndpointPicker(options.balancer ?? roundRobin());
  const { appId, namespace } = context;
  const { host = "127.0.0.1", hostname } = options;
  const remote = new RemoteInvoker({
    caller: { appId, namespace, host, hostname },
    resolver,
    transport,
    picker,
    retry: resiliency?.builtInRetry ?? options.retry ?? { retries: 3, delayMs: 1_000 },
    telemetry,
    log,
  });
  const app = { appChannel, appHealth, accessPolicy, telemetry };
  const proxyParts: ProxyParts = {
    ...context,
    resolver,
    transport,
    picker,
    accessPolicy,
    appProxy,
    resiliency,
    telemetry,
  };
  return {
    context,
    identity,
    transport,
    resolver,
    appChannel,
    // The tracer stops last, when the spans of everything else have ended.
    base: [
      ...(tracer === undefined ? [] : [tracer]),
      ...(options.companions ?? []),
      ...[identity, accessPolicy, appChannel, appProxy, egress, resiliency, transport].filter(
        (component) => component !== undefined,
      ),
    ],
    invoke: createInvoke({ ...app, ...context, remote, egress, resiliency }),
    proxy: createProxy(proxyParts),
    handler: {
      assertHasApp: () => void requireAppChannel(app),
      receive: createReceive(app),
      proxy: createProxyReceive(proxyParts),
    },
  };
}
