import { Announcer } from "./announcer.ts";
import type { AppChannel } from "./app-channel.ts";
import { AppHealth } from "./app-health.ts";
import { roundRobin } from "./balancer.ts";
import type { InvokeRequest, InvokeResponse } from "./call.ts";
import type { Component } from "./component.ts";
import { errorText, OutriggerError } from "./errors.ts";
import { joinHostPort } from "./host-port.ts";
import type { WorkloadIdentity } from "./identity.ts";
import type { HealthView, Ingress, Sidecar } from "./ingress.ts";
import { within } from "./invocation/abortable.ts";
import { createInvoke } from "./invocation/invoke.ts";
import { createProxy, createProxyReceive, type ProxyParts } from "./invocation/proxy.ts";
import { createReceive } from "./invocation/receive.ts";
import { RemoteInvoker } from "./invocation/remote.ts";
import { startAll, stopAll } from "./lifecycle.ts";
import { type Logger, silentLogger } from "./logger.ts";
import { MetadataStore, type MetadataView } from "./metadata.ts";
import { type CallOptions, toInvokeRequest } from "./outgoing-call.ts";
import type { ProxyCall, ProxyResponse } from "./proxy.ts";
import type { Instance, Resolver } from "./resolver.ts";
import { contextOf, describe, type RuntimeOptions } from "./runtime-options.ts";
import { joinTelemetry } from "./telemetry.ts";
import type { ListenAddress, Transport } from "./transport.ts";

/** A wait for the app that does not heed its signal may hold up the stop for this long. */
const backgroundTimeoutMs = 2_000;

/** How a runtime ended. */
export interface StopResult {
  /** False when calls were still running at the end of the grace period and were cut off. */
  readonly drained: boolean;
}

/** A started sidecar runtime. */
export interface Runtime {
  readonly appId: string;
  readonly namespace: string;
  readonly health: HealthView;
  readonly metadata: MetadataView;
  /** Where peers reach this sidecar. */
  readonly internalAddress: ListenAddress;
  /** Ingresses in the order of the options. */
  readonly ingresses: readonly Ingress[];
  /** Knows whether the app may be called. */
  readonly appHealth: AppHealth;
  /** Calls an app by its id. @throws OutriggerError when the sidecars fail; never for the app's own status. */
  invoke(call: CallOptions): Promise<InvokeResponse>;
  /** Resolves when the own app accepts calls; rejects when the runtime stops before. */
  whenReady(signal?: AbortSignal): Promise<void>;
  /** Makes the sidecar report unready under the given name until it stops; it serves on. */
  holdUnready(name: string): void;
  /**
   * Ends the runtime: peers stop finding it, new calls are refused, running ones finish, the rest
   * is cut off after `drainMs` (default 5000; `Infinity` waits as long as it takes). Idempotent.
   */
  stop(options?: { readonly drainMs?: number }): Promise<StopResult>;
}

/**
 * Builds, wires and starts a runtime. Resolves when it can invoke others; its own app may come later.
 * @throws OutriggerError when an option is wrong or a component cannot start; nothing is left open.
 */
export async function createRuntime(
  options: RuntimeOptions,
  signal: AbortSignal = new AbortController().signal,
): Promise<Runtime> {
  if (options.appId === "") {
    throw new OutriggerError("core: appId: must not be empty", { code: "OTR_OPTIONS_INVALID" });
  }
  const runtime = new ComposedRuntime(options);
  await runtime.start(signal);
  return runtime;
}

class ComposedRuntime implements Runtime {
  readonly appId: string;
  readonly namespace: string;
  readonly health: HealthView;
  readonly metadata: MetadataStore;
  readonly appHealth: AppHealth;
  readonly ingresses: readonly Ingress[];
  readonly #options: RuntimeOptions;
  readonly #log: Logger;
  readonly #transport: Transport;
  readonly #resolver: Resolver | undefined;
  readonly #identity: WorkloadIdentity | undefined;
  readonly #now: () => number;
  readonly #appChannel: AppChannel | undefined;
  readonly #base: readonly Component[];
  readonly #invoke: (request: InvokeRequest) => Promise<InvokeResponse>;
  readonly #receive: ReturnType<typeof createReceive>;
  readonly #proxy: (call: ProxyCall) => Promise<ProxyResponse>;
  readonly #proxyReceive: (call: ProxyCall) => Promise<ProxyResponse>;
  readonly #life = new AbortController();
  readonly #ready: Promise<void>;
  #markReady: () => void = () => undefined;
  #unready = new Set<string>(["runtime"]);
  #outboundReady = false;
  #announcer: Announcer | undefined;
  #internal: ListenAddress = { host: "", port: 0 };
  #background: Promise<void> = Promise.resolve();
  #stopping: Promise<StopResult> | undefined;

  constructor(options: RuntimeOptions) {
    const log = options.log ?? silentLogger;
    const bare = contextOf(options, log);
    const identity = options.identity?.(bare);
    const context = { ...bare, identity };
    this.#identity = identity;
    this.#now = context.now;
    this.#options = options;
    this.#log = log;
    this.appId = context.appId;
    this.namespace = context.namespace;
    this.metadata = new MetadataStore(context.appId, describe(options));
    this.health = { unready: () => this.#listUnready(), outboundReady: () => this.#outboundReady };
    this.appHealth = new AppHealth(options.appHealth, log.scope("dapr.apphealth"));
    this.#ready = new Promise((resolve) => {
      this.#markReady = resolve;
    });

    const accessPolicy = options.accessPolicy?.(context);
    this.#appChannel = options.appChannel?.(context);
    const appProxy = options.appProxy?.(context);
    const egress = options.egress?.(context);
    this.#transport = options.transport(context);
    this.#resolver = options.resolver?.(context);
    this.#base = [
      identity,
      accessPolicy,
      this.#appChannel,
      appProxy,
      egress,
      this.#transport,
    ].filter((component) => component !== undefined);

    const telemetry = joinTelemetry(options.telemetry ?? []);
    const { host = "127.0.0.1", hostname } = options;
    const balancer = options.balancer ?? roundRobin();
    const remote = new RemoteInvoker({
      caller: { appId: this.appId, namespace: this.namespace, host, hostname },
      resolver: this.#resolver,
      transport: this.#transport,
      balancer,
      retry: options.retry ?? { retries: 3, delayMs: 1_000 },
      telemetry,
    });
    const { appHealth } = this;
    const parts = { appChannel: this.#appChannel, appHealth, accessPolicy, telemetry };
    this.#invoke = createInvoke({ ...parts, ...context, remote, egress });
    this.#receive = createReceive(parts);
    const proxyParts: ProxyParts = {
      ...context,
      resolver: this.#resolver,
      transport: this.#transport,
      balancer,
      accessPolicy,
      appProxy,
    };
    this.#proxy = createProxy(proxyParts);
    this.#proxyReceive = createProxyReceive(proxyParts);
    const sidecar = this.#sidecar();
    this.ingresses = (options.ingresses ?? []).map((create) => create(context, sidecar));
  }

  get internalAddress(): ListenAddress {
    return this.#internal;
  }

  /** The order is Dapr's: reachable by peers, findable, then open to the app, then ready. */
  async start(signal: AbortSignal): Promise<void> {
    const startedAt = performance.now();
    await startAll(this.#base, this.#log, signal);
    try {
      this.#internal = await this.#transport.listen(
        { receive: this.#receive, proxy: this.#proxyReceive },
        signal,
      );
      const { host, port } = this.#internal;
      this.#log.log("info", `Internal gRPC server is running on ${joinHostPort(host, port)}`);
      await this.#announce(signal);
      await startAll(this.ingresses, this.#log, signal);
      // A client of the first ingress may ask for shutdown while the next one starts.
      if (this.#stopping !== undefined) throw stoppedError();
    } catch (reason) {
      await this.stop({ drainMs: 0 });
      // A stop that was under way before has passed by what started after it.
      await this.#stopComponents();
      throw reason;
    }
    this.#outboundReady = true;
    this.#background = this.#awaitApp(startedAt, this.#life.signal);
  }

  invoke(call: CallOptions): Promise<InvokeResponse> {
    return this.#invoke(toInvokeRequest(call));
  }

  async whenReady(signal: AbortSignal = new AbortController().signal): Promise<void> {
    const ended = AbortSignal.any([signal, this.#life.signal]);
    await new Promise<void>((resolve, reject) => {
      const onAbort = (): void => reject(stoppedError());
      if (ended.aborted) onAbort();
      ended.addEventListener("abort", onAbort, { once: true });
      void this.#ready.then(() => {
        ended.removeEventListener("abort", onAbort);
        resolve();
      });
    });
  }

  holdUnready(name: string): void {
    this.#unready.add(name);
  }

  stop(options: { readonly drainMs?: number } = {}): Promise<StopResult> {
    this.#stopping ??= this.#stop(options.drainMs ?? 5_000);
    return this.#stopping;
  }

  #sidecar(): Sidecar {
    return {
      appId: this.appId,
      namespace: this.namespace,
      health: this.health,
      metadata: this.metadata,
      invoke: this.#invoke,
      proxy: this.#proxy,
      requestShutdown: (force) => this.#requestShutdown(force),
    };
  }

  #requestShutdown(force: boolean): void {
    const { onShutdownRequest } = this.#options;
    if (onShutdownRequest !== undefined) onShutdownRequest(force);
    else void this.stop({ drainMs: force ? 0 : 5_000 });
  }

  #listUnready(): readonly string[] {
    const pending = [...this.#unready];
    if (this.#announcer !== undefined && !this.#announcer.announced)
      pending.push("name-resolution");
    if (this.#identityExpired()) pending.push("workload-certificate");
    return pending;
  }

  /** Peers refuse an expired certificate, so calls would fail: that is not ready. */
  #identityExpired(): boolean {
    if (this.#identity === undefined || !this.#outboundReady) return false;
    return this.#identity.current().expiresAtMs <= this.#now();
  }

  async #announce(signal: AbortSignal): Promise<void> {
    if (this.#resolver === undefined) return;
    const { host = "127.0.0.1", httpPort = 0 } = this.#options;
    const instance: Instance = {
      appId: this.appId,
      namespace: this.namespace,
      host,
      internalPort: this.#internal.port,
      httpPort,
      appPort: describe(this.#options).appConnection.port,
    };
    this.#announcer = new Announcer(this.#resolver, instance, this.#log);
    await this.#announcer.start(signal);
    if (this.#announcer.announced) {
      this.#log.log(
        "info",
        `Initialized name resolution to ${this.#resolver.name.replace(/^resolver-/, "")}`,
      );
    }
  }

  /** Everything after "can invoke others": the app listens, is healthy, is told. */
  async #awaitApp(startedAt: number, signal: AbortSignal): Promise<void> {
    try {
      const channel = this.#appChannel;
      if (channel !== undefined) await this.#awaitListening(channel, signal);
      const watching = channel && this.appHealth.watch(channel, () => this.#greet(channel), signal);
      this.#unready.delete("runtime");
      this.metadata.markInitialized();
      this.#markReady();
      const elapsed = Math.round(performance.now() - startedAt);
      this.#log.log("info", `dapr initialized. Status: Running. Init Elapsed ${elapsed}ms`);
      await watching;
    } catch (reason) {
      if (!signal.aborted)
        this.#log.log("error", `waiting for the app failed: ${errorText(reason)}`);
    }
  }

  async #awaitListening(channel: AppChannel, signal: AbortSignal): Promise<void> {
    if (channel.waitUntilListening === undefined) return;
    const { port } = describe(this.#options).appConnection;
    this.#log.log(
      "info",
      `application protocol: ${channel.protocol}. waiting on port ${port}.  This will block until the app is listening on that port.`,
    );
    await channel.waitUntilListening(signal);
    this.#log.log("info", `application discovered on port ${port}`);
  }

  #greet(channel: AppChannel): void {
    const greeted = channel.greet?.(this.#life.signal);
    greeted?.catch((reason: unknown) => {
      if (this.#life.signal.aborted) return;
      this.#log.log("warn", `greeting the app failed: ${errorText(reason)}`);
    });
  }

  async #stop(drainMs: number): Promise<StopResult> {
    this.#unready.add("runtime");
    await this.#announcer?.withdraw();
    const drained = await this.#drain(drainMs);
    this.#life.abort();
    await within(this.#background, backgroundTimeoutMs);
    await this.#stopComponents();
    return { drained };
  }

  async #stopComponents(): Promise<void> {
    const components = [...this.#base, this.#resolver, ...this.ingresses];
    await stopAll(
      components.filter((component) => component !== undefined),
      this.#log,
    );
  }

  async #drain(drainMs: number): Promise<boolean> {
    const cutOff = new AbortController();
    const draining = Promise.allSettled(
      [this.#transport, ...this.ingresses].map((component) => component.drain(cutOff.signal)),
    );
    if (drainMs === Number.POSITIVE_INFINITY) {
      await draining;
      return true;
    }
    const drained = await within(draining, drainMs);
    cutOff.abort();
    return drained;
  }
}

function stoppedError(): OutriggerError {
  return new OutriggerError("the runtime stopped before it was ready", { code: "OTR_STOPPED" });
}
