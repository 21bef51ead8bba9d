import {
  type ComponentContext,
  type Endpoint,
  type EndpointHealth,
  OutriggerError,
  type ResolveRequest,
} from "@outrigger/core";
import { NamespaceWatch } from "./namespace-watch.ts";
import type { KubernetesSettings } from "./options.ts";
import type { ServiceListener } from "./slice-store.ts";
import { withTimeLimit } from "./time-limit.ts";

/** Values of labels, which is where slices name their Service. */
const labelValue = /^[A-Za-z\d](?:[\w.-]*[A-Za-z\d])?$/;
const namespaceName = /^[a-z\d](?:[a-z\d-]*[a-z\d])?$/;
const maxLength = 63;

/** Answers from watches, one of each namespace that calls go to. */
export class SliceLookup {
  readonly #settings: KubernetesSettings;
  readonly #context: ComponentContext;
  readonly #ended = new AbortController();
  readonly #watches = new Map<string, NamespaceWatch>();

  constructor(settings: KubernetesSettings, context: ComponentContext) {
    this.#settings = settings;
    this.#context = context;
  }

  /** The endpoints of an app that are in memory; undefined when there are none. */
  known(request: ResolveRequest, health: EndpointHealth): readonly Endpoint[] | undefined {
    const watch = this.#watches.get(request.namespace);
    const endpoints = watch?.store.get(`${request.appId}-dapr`);
    if (endpoints === undefined) return undefined;
    const { all, preferred } = endpoints;
    const usable = health.filter(all);
    if (usable === all) return preferred;
    if (preferred === all) return usable;
    const near = preferred.filter((one) => usable.includes(one));
    return near.length > 0 ? near : usable;
  }

  /** Whether the whole namespace is in memory. */
  isSynced(namespace: string): boolean {
    return this.#watches.get(namespace)?.synced === true;
  }

  /**
   * Begins to watch a namespace and waits for its list.
   * @throws OutriggerError `OTR_RESOLVE_FAILED` when there is none in time.
   */
  async open(namespace: string, signal: AbortSignal): Promise<NamespaceWatch> {
    const watch = this.#watchOf(namespace);
    if (watch.synced) return watch;
    const { lookupTimeoutMs } = this.#settings;
    await withTimeLimit(lookupTimeoutMs, [signal, this.#ended.signal], (limit) =>
      watch.ready(limit.signal),
    );
    return watch;
  }

  /** The endpoints of an app, when its namespace has been read. */
  async resolve(
    request: ResolveRequest,
    health: EndpointHealth,
    signal: AbortSignal,
  ): Promise<readonly Endpoint[]> {
    const { appId, namespace } = request;
    if (!isName(appId, namespace)) throw notFound(request, "Kubernetes allows no such name");
    const watch = await this.open(namespace, signal);
    const found = this.known(request, health);
    if (found !== undefined) return found;
    // It may have come while the API server was away.
    if (watch.failure !== undefined) throw watch.unreadable();
    throw notFound(request, `Service ${appId}-dapr has no ready endpoint`);
  }

  listen({ appId, namespace }: ResolveRequest, listener: ServiceListener): () => void {
    if (!isName(appId, namespace)) return () => undefined;
    return this.#watchOf(namespace).store.listen(`${appId}-dapr`, listener);
  }

  close(reason: OutriggerError): void {
    this.#ended.abort(reason);
    for (const watch of this.#watches.values()) watch.stop();
    this.#watches.clear();
  }

  #watchOf(namespace: string): NamespaceWatch {
    const open = this.#watches.get(namespace);
    if (open !== undefined) return open;
    this.#makeRoom();
    const watch = new NamespaceWatch(namespace, this.#settings, this.#context);
    this.#watches.set(namespace, watch);
    return watch;
  }

  /** The oldest watch that nobody listens to goes; the own namespace stays. */
  #makeRoom(): void {
    if (this.#watches.size < this.#settings.maxNamespaces) return;
    for (const [namespace, watch] of this.#watches) {
      if (namespace === this.#context.namespace || watch.store.hasListeners) continue;
      watch.stop();
      this.#watches.delete(namespace);
      return;
    }
    throw new OutriggerError("too many namespaces are watched", { code: "OTR_RESOLVE_FAILED" });
  }
}

function isName(appId: string, namespace: string): boolean {
  return (
    appId.length + "-dapr".length <= maxLength &&
    labelValue.test(appId) &&
    namespace.length <= maxLength &&
    namespaceName.test(namespace)
  );
}

function notFound({ appId, namespace }: ResolveRequest, why: string): OutriggerError {
  return new OutriggerError(`couldn't find service: ${appId} in namespace ${namespace}: ${why}`, {
    code: "OTR_RESOLVE_NOT_FOUND",
    details: { appId, namespace },
  });
}
