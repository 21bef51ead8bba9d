import { Announcer } from "./announcer.ts";
import { AppHealth } from "./app-health.ts";
import { followApp } from "./app-start.ts";
import type { InvokeResponse } from "./call.ts";
import { errorText, OutriggerError } from "./errors.ts";
import { joinHostPort } from "./host-port.ts";
import type { HealthView, Ingress, Sidecar } from "./ingress.ts";
import { within } from "./invocation/abortable.ts";
import { startAll, stopAll } from "./lifecycle.ts";
import { type Logger, silentLogger } from "./logger.ts";
import { MetadataStore, type MetadataView } from "./metadata.ts";
import { type CallOptions, toInvokeRequest } from "./outgoing-call.ts";
import { Readiness, stoppedError } from "./readiness.ts";
import type { Instance } from "./resolver.ts";
import { describe, type RuntimeOptions } from "./runtime-options.ts";
import { composeParts, type RuntimeParts } from "./runtime-parts.ts";
import type { ListenAddress } from "./transport.ts";

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
  readonly metadata: MetadataStore;
  readonly appHealth: AppHealth;
  readonly ingresses: readonly Ingress[];
  readonly #options: RuntimeOptions;
  readonly #log: Logger;
  readonly #parts: RuntimeParts;
  readonly #readiness = new Readiness(() => this.#listUnready());
  readonly #life = new AbortController();
  #announcer: Announcer | undefined;
  #internal: ListenAddress = { host: "", port: 0 };
  #background: Promise<void> = Promise.resolve();
  #stopping: Promise<StopResult> | undefined;

  constructor(options: RuntimeOptions) {
    const log = options.log ?? silentLogger;
    this.#options = options;
    this.#log = log;
    this.appHealth = new AppHealth(options.appHealth, log.scope("dapr.apphealth"));
    this.#parts = composeParts(options, this.appHealth, log);
    const { context } = this.#parts;
    this.appId = context.appId;
    this.namespace = context.namespace;
    this.metadata = new MetadataStore(context.appId, describe(options), options.components);
    const sidecar = this.#sidecar();
    this.ingresses = (options.ingresses ?? []).map((create) => create(context, sidecar));
  }

  get internalAddress(): ListenAddress {
    return this.#internal;
  }

  get health(): HealthView {
    return this.#readiness;
  }

  /** The order is Dapr's: reachable by peers, findable, then open to the app, then ready. */
  async start(signal: AbortSignal): Promise<void> {
    const startedAt = performance.now();
    const { base, transport, handler } = this.#parts;
    await startAll(base, this.#log, signal);
    try {
      this.#internal = await transport.listen(handler, signal);
      this.#log.log("info", `Internal gRPC server is running on ${shown(this.#internal)}`);
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
    this.#readiness.markOutboundReady();
    this.#background = this.#awaitApp(startedAt, this.#life.signal);
  }

  invoke(call: CallOptions): Promise<InvokeResponse> {
    return this.#parts.invoke(toInvokeRequest(call));
  }

  whenReady(signal: AbortSignal = new AbortController().signal): Promise<void> {
    return this.#readiness.whenReady(AbortSignal.any([signal, this.#life.signal]));
  }

  holdUnready(name: string): void {
    this.#readiness.hold(name);
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
      invoke: this.#parts.invoke,
      proxy: this.#parts.proxy,
      requestShutdown: (force) => this.#requestShutdown(force),
    };
  }

  #requestShutdown(force: boolean): void {
    const { onShutdownRequest } = this.#options;
    if (onShutdownRequest !== undefined) onShutdownRequest(force);
    else void this.stop({ drainMs: force ? 0 : 5_000 });
  }

  #listUnready(): readonly string[] {
    const pending: string[] = [];
    if (this.#announcer !== undefined && !this.#announcer.announced)
      pending.push("name-resolution");
    if (this.#identityExpired()) pending.push("workload-certificate");
    return pending;
  }

  /** Peers refuse an expired certificate, so calls would fail: that is not ready. */
  #identityExpired(): boolean {
    const { identity, context } = this.#parts;
    if (identity === undefined || !this.#readiness.outboundReady()) return false;
    return identity.current().expiresAtMs <= context.now();
  }

  async #announce(signal: AbortSignal): Promise<void> {
    const { resolver } = this.#parts;
    if (resolver === undefined) return;
    const { host = "127.0.0.1", httpPort = 0 } = this.#options;
    const instance: Instance = {
      appId: this.appId,
      namespace: this.namespace,
      host,
      internalPort: this.#internal.port,
      httpPort,
      appPort: describe(this.#options).appConnection.port,
    };
    this.#announcer = new Announcer(resolver, instance, this.#log);
    await this.#announcer.start(signal);
    if (this.#announcer.announced) {
      const name = resolver.name.replace(/^resolver-/, "");
      this.#log.log("info", `Initialized name resolution to ${name}`);
    }
  }

  /** Everything after "can invoke others": the app listens, is healthy, is told. */
  async #awaitApp(startedAt: number, signal: AbortSignal): Promise<void> {
    const onListening = (): void => {
      this.#readiness.markReady();
      const elapsed = Math.round(performance.now() - startedAt);
      this.#log.log("info", `dapr initialized. Status: Running. Init Elapsed ${elapsed}ms`);
    };
    const onHealthy = (): void => this.metadata.markInitialized();
    const { appChannel: channel } = this.#parts;
    if (channel === undefined) {
      onHealthy();
      onListening();
      return;
    }
    const { port } = describe(this.#options).appConnection;
    const start = { channel, port, health: this.appHealth, log: this.#log };
    try {
      await followApp(start, { onListening, onHealthy }, signal);
    } catch (reason) {
      if (!signal.aborted)
        this.#log.log("error", `waiting for the app failed: ${errorText(reason)}`);
    }
  }

  async #stop(drainMs: number): Promise<StopResult> {
    this.#readiness.hold("runtime");
    await this.#announcer?.withdraw();
    const drained = await this.#drain(drainMs);
    this.#life.abort();
    await within(this.#background, backgroundTimeoutMs);
    await this.#stopComponents();
    return { drained };
  }

  async #stopComponents(): Promise<void> {
    const components = [...this.#parts.base, this.#parts.resolver, ...this.ingresses];
    await stopAll(
      components.filter((component) => component !== undefined),
      this.#log,
    );
  }

  async #drain(drainMs: number): Promise<boolean> {
    const cutOff = new AbortController();
    const draining = Promise.allSettled(
      [this.#parts.transport, ...this.ingresses].map((component) => component.drain(cutOff.signal)),
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

/** All addresses are written as none, as Go does. */
function shown({ host, port }: ListenAddress): string {
  return host === "::" ? `:${port}` : joinHostPort(host, port);
}
