import {
  type ComponentContext,
  type ComponentFactory,
  createEndpointHealth,
  type Endpoint,
  type EndpointHealth,
  type EndpointOutcome,
  isOutriggerError,
  OutriggerError,
  parseOptions,
  type ResolveRequest,
  type Resolver,
  type ResolverFeatures,
} from "@outrigger/core";
import { hasApi } from "./api-access.ts";
import { DnsLookup } from "./dns-lookup.ts";
import {
  type KubernetesSettings,
  optionsSchema,
  type ResolverKubernetesOptions,
} from "./options.ts";
import { SliceLookup } from "./slice-lookup.ts";

/** Finds sidecars by the Services that Dapr's operator makes: `<app-id>-dapr`. */
export function resolverKubernetes(
  options: ResolverKubernetesOptions = {},
): ComponentFactory<Resolver> {
  const settings = parseOptions("resolver-kubernetes", optionsSchema, options);
  return (context: ComponentContext) => new ResolverKubernetes(settings, context);
}

class ResolverKubernetes implements Resolver {
  readonly name = "resolver-kubernetes";
  readonly features: ResolverFeatures;
  readonly #settings: KubernetesSettings;
  readonly #context: ComponentContext;
  readonly #health: EndpointHealth;
  readonly #dns: DnsLookup | undefined;
  readonly #slices: SliceLookup | undefined;
  readonly #ended = new AbortController();
  /** Namespaces that DNS is asked for because the API may not be read. */
  readonly #byDns = new Set<string>();

  constructor(settings: KubernetesSettings, context: ComponentContext) {
    const { mode, template, retryAfterMs } = settings;
    const watches = mode === "endpointSlices";
    this.#settings = settings;
    this.#context = context;
    this.#health = createEndpointHealth({ now: () => performance.now(), retryAfterMs });
    this.#dns = watches ? undefined : new DnsLookup(settings, context);
    const auto = mode === "auto" && template === undefined && hasApi(settings);
    this.#slices = watches || auto ? new SliceLookup(settings, context) : undefined;
    this.features = { announces: false, namespaces: true, expires: true, watches };
  }

  /** Reads the own namespace ahead of the first call. A cluster that is away does not fail it. */
  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.#throwIfStopped();
    const { mode } = this.#settings;
    const { namespace, log } = this.#context;
    if (this.#slices === undefined) {
      if (mode === "auto") log.log("info", "app ids are resolved by the cluster's DNS");
      return;
    }
    try {
      await this.#slices.open(namespace, signal);
      log.log("info", `app ids are resolved by EndpointSlices of namespace ${namespace}`);
    } catch (reason) {
      signal.throwIfAborted();
      if (isOutriggerError(reason, "OTR_STOPPED")) throw reason;
      // The watch has said what is wrong, and goes on trying.
      if (mode === "auto") this.#sayDns(namespace, reason);
    }
  }

  async resolve(request: ResolveRequest, signal: AbortSignal): Promise<readonly Endpoint[]> {
    signal.throwIfAborted();
    this.#throwIfStopped();
    const asked = request.namespace === "" ? { ...request, namespace: "default" } : request;
    const known = this.#slices?.known(asked, this.#health);
    if (known !== undefined) return known;
    return this.#ask(asked, signal);
  }

  watch(request: ResolveRequest, listener: (endpoints: readonly Endpoint[]) => void): () => void {
    return this.#slices?.listen(request, listener) ?? (() => undefined);
  }

  report(_request: ResolveRequest, endpoint: Endpoint, outcome: EndpointOutcome): void {
    this.#health.report(endpoint, outcome);
  }

  async stop(): Promise<void> {
    if (this.#ended.signal.aborted) return;
    const reason = new OutriggerError("resolver-kubernetes is stopped", { code: "OTR_STOPPED" });
    this.#ended.abort(reason);
    this.#dns?.close(reason);
    this.#slices?.close(reason);
  }

  async #ask(request: ResolveRequest, signal: AbortSignal): Promise<readonly Endpoint[]> {
    const { namespace } = request;
    const slices = this.#slices;
    if (slices !== undefined && (!this.#byDns.has(namespace) || slices.isSynced(namespace))) {
      try {
        const found = await slices.resolve(request, this.#health, signal);
        this.#byDns.delete(namespace);
        return found;
      } catch (reason) {
        const unreadable = isOutriggerError(reason, "OTR_RESOLVE_FAILED");
        if (this.#dns === undefined || !unreadable || signal.aborted) throw reason;
        if (!slices.isSynced(namespace)) this.#sayDns(namespace, reason);
      }
    }
    const found = await this.#dns?.resolve(request, signal);
    return this.#health.filter(found ?? []);
  }

  #sayDns(namespace: string, reason: unknown): void {
    if (this.#byDns.has(namespace)) return;
    if (this.#byDns.size >= this.#settings.maxNamespaces) this.#byDns.clear();
    this.#byDns.add(namespace);
    const why = reason instanceof Error ? reason.message : String(reason);
    this.#context.log.log(
      "warn",
      `app ids of namespace ${namespace} are resolved by the cluster's DNS: ${why}`,
    );
  }

  #throwIfStopped(): void {
    this.#ended.signal.throwIfAborted();
  }
}
