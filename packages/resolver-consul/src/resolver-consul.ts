import {
  type ComponentContext,
  type ComponentFactory,
  createEndpointHealth,
  type Endpoint,
  EndpointCache,
  type EndpointHealth,
  type EndpointOutcome,
  errorText,
  type Instance,
  OutriggerError,
  parseOptions,
  type ResolveRequest,
  type Resolver,
  type ResolverFeatures,
  unlessAborted,
} from "@outrigger/core";
import { type ConsulConnection, openConnection } from "./connection.ts";
import { ConsulAgent, failure, type Question } from "./consul-agent.ts";
import type { Answer } from "./exchange.ts";
import { endpointsOf, type FoundInstances, notFound, readInstances } from "./instances.ts";
import { type ConsulSettings, optionsSchema, type ResolverConsulOptions } from "./options.ts";
import { checksQuestion, healthQuestion } from "./queries.ts";
import { Registrar } from "./registrar.ts";
import { checkInstance, registrationOf } from "./registration.ts";
import { Updates } from "./updates.ts";
import { Watcher } from "./watcher.ts";

export type { ResolverConsulOptions } from "./options.ts";

const askedForMs = 1_000;
const defaultWaitMs = 60_000;

/**
 * Finds sidecars in Consul and registers the own one, in the form of Dapr's Consul resolver, so
 * that sidecars of both kinds find each other.
 */
export function resolverConsul(options: ResolverConsulOptions = {}): ComponentFactory<Resolver> {
  const settings = parseOptions("resolver-consul", optionsSchema, options);
  return (context) => new ResolverConsul(settings, context);
}

class ResolverConsul implements Resolver {
  readonly name = "resolver-consul";
  readonly features: ResolverFeatures;
  readonly #settings: ConsulSettings;
  readonly #context: ComponentContext;
  readonly #cache: EndpointCache;
  readonly #health: EndpointHealth;
  readonly #updates: Updates;
  readonly #watcher: Watcher;
  readonly #registrar: Registrar;
  #agent: ConsulAgent | undefined;
  #away = false;
  #failedAt = Number.NEGATIVE_INFINITY;
  #stopping: Promise<void> | undefined;

  constructor(settings: ConsulSettings, context: ComponentContext) {
    const { refreshIntervalMs, requestTimeoutMs, keepMs, useCache, retryAfterMs } = settings;
    this.#settings = settings;
    this.#context = context;
    this.features = {
      announces: settings.selfRegister || settings.advancedRegistration !== undefined,
      namespaces: settings.namespaceMetaKey !== "",
      expires: true,
      watches: useCache,
    };
    this.#cache = new EndpointCache({
      lookup: (request, signal) => this.#lookup(request, signal),
      now: () => performance.now(),
      freshMs: useCache ? Math.min(askedForMs, refreshIntervalMs) : 0,
      lookupTimeoutMs: requestTimeoutMs,
      keepMs,
      onStale: (request, reason) => this.#onStale(request, reason),
      onRecovered: () => this.#onRecovered(),
    });
    this.#health = createEndpointHealth({ now: () => performance.now(), retryAfterMs });
    this.#updates = new Updates({
      ask: async (appId, signal) => {
        const found = await this.#find(appId, false, signal);
        return (namespace) => endpointsOf(found, namespace, settings);
      },
      cache: this.#cache,
      believesEmpty: () => !this.#failedLately(),
      freshMs: refreshIntervalMs,
      requestTimeoutMs,
    });
    this.#watcher = this.#createWatcher();
    this.#registrar = new Registrar({
      agent: () => this.#openAgent(),
      log: context.log,
      beatMs: Math.max(100, settings.checkIntervalMs / 3),
      requestTimeoutMs,
      deregisters: settings.selfDeregister,
    });
  }

  /** Reads the files of the options. Where nothing is registered, the agent must answer, as in Dapr. */
  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.#checkRunning();
    const agent = this.#openAgent();
    if (this.features.announces) return;
    try {
      await agent.probe(AbortSignal.any([signal, this.#timeout()]));
    } catch (reason) {
      signal.throwIfAborted();
      throw failure("failed check on consul agent", reason);
    }
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async resolve(request: ResolveRequest, signal: AbortSignal): Promise<readonly Endpoint[]> {
    signal.throwIfAborted();
    this.#checkRunning();
    const asked = withNamespace(request);
    // Part of a URL's path, which such names would leave.
    if (/^\.{0,2}$|\//.test(asked.appId)) throw notFound(asked, 0, this.#settings);
    return this.#health.filter(await this.#cache.get(asked, signal));
  }

  async announce(instance: Instance, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.#checkRunning();
    checkInstance(instance);
    if (!this.features.announces) return;
    const registration = registrationOf(instance, this.#settings);
    await unlessAborted(this.#registrar.add(registration, signal), signal);
    this.#cache.expire(withNamespace(instance));
  }

  async withdraw(): Promise<void> {
    await this.#registrar.removeAll();
    this.#cache.expireAll();
  }

  watch(request: ResolveRequest, listener: (endpoints: readonly Endpoint[]) => void): () => void {
    this.#checkRunning();
    const asked = withNamespace(request);
    this.#follow(asked);
    return this.#updates.listen(asked, listener);
  }

  report(request: ResolveRequest, endpoint: Endpoint, outcome: EndpointOutcome): void {
    this.#health.report(endpoint, outcome);
    if (outcome === "unreachable") this.#updates.hint(request.appId);
  }

  async #stop(): Promise<void> {
    this.#cache.close(stopped());
    this.#updates.stop();
    await this.#watcher.stop();
    try {
      await this.#registrar.removeAll();
    } catch (reason) {
      this.#context.log.log("warn", errorText(reason));
    }
    this.#agent?.close();
  }

  async #lookup(request: ResolveRequest, signal: AbortSignal): Promise<readonly Endpoint[]> {
    const { appId, namespace } = request;
    let found: FoundInstances;
    try {
      found = await this.#find(appId, true, signal);
    } catch (reason) {
      signal.throwIfAborted();
      throw failure("failed to query healthy consul services", reason);
    }
    const endpoints = endpointsOf(found, namespace, this.#settings);
    if (endpoints.length === 0) {
      if (this.#updates.isTracked(appId) && this.#failedLately()) throw emptyAgain(appId);
      throw notFound(request, found.unusable, this.#settings);
    }
    if (this.#settings.useCache) this.#follow(request);
    return endpoints;
  }

  async #find(appId: string, cached: boolean, signal: AbortSignal): Promise<FoundInstances> {
    const question = healthQuestion(this.#settings.queryOptions, cached);
    const path = `/v1/health/service/${encodeURIComponent(appId)}`;
    const { body } = await this.#get(path, question, signal);
    return readInstances(body, appId, this.#settings);
  }

  async #get(path: string, question: Question, signal: AbortSignal): Promise<Answer> {
    try {
      return await this.#openAgent().get(path, question, signal);
    } catch (reason) {
      if (this.#stopping === undefined && !signal.aborted) this.#failedAt = performance.now();
      throw reason;
    }
  }

  /**
   * A registry that comes back without its data knows nobody until everybody has registered again,
   * which sidecars do within the time of one check. Until then, what was known is more likely right.
   */
  #failedLately(): boolean {
    return performance.now() - this.#failedAt < this.#settings.checkIntervalMs;
  }

  /** Where the watch tells of changes, what is in the cache may stay for longer. */
  #follow(request: ResolveRequest): void {
    if (this.#stopping !== undefined) return;
    const { appId } = request;
    if (this.#watcher.isFull && !this.#watcher.has(appId)) {
      const idle = this.#updates.idleSince(
        performance.now() - 2 * this.#settings.refreshIntervalMs,
      );
      if (idle === undefined) return;
      this.#watcher.remove(idle);
      this.#updates.untrack(idle);
    }
    if (!this.#watcher.add(appId)) return;
    this.#updates.track(request);
    if (this.#watcher.covers(appId)) this.#updates.changed(appId);
  }

  #createWatcher(): Watcher {
    const { queryOptions, client, requestTimeoutMs, maxWatchedApps } = this.#settings;
    const waitMs = client?.waitMs ?? defaultWaitMs;
    return new Watcher({
      poll: (appIds, index, signal) => {
        const question = checksQuestion(queryOptions, appIds, index, waitMs);
        // The agent adds up to a sixteenth to the time it waits, and a long list takes its time.
        const limitMs = (index === "0" ? 0 : waitMs * 1.1) + 5 * requestTimeoutMs;
        const limited = AbortSignal.any([signal, AbortSignal.timeout(limitMs)]);
        return this.#get("/v1/health/state/any", question, limited);
      },
      onChange: (appId) => this.#updates.changed(appId),
      onLost: () => this.#cache.expireAll(),
      onBack: () => this.#onRecovered(),
      maxApps: maxWatchedApps,
      random: this.#context.random,
    });
  }

  #openAgent(): ConsulAgent {
    if (this.#agent !== undefined) return this.#agent;
    const connection: ConsulConnection = openConnection(this.#settings.client, process.env);
    if (connection.insecure) {
      this.#context.log.log("info", "consul: the certificate of the agent is not verified");
    }
    this.#agent = new ConsulAgent(connection);
    return this.#agent;
  }

  #onStale({ appId }: ResolveRequest, reason: unknown): void {
    if (this.#away) return;
    this.#away = true;
    this.#context.log.log(
      "warn",
      `consul does not answer, calls go on with the last known endpoints (first for ${appId}): ${errorText(reason)}`,
    );
  }

  #onRecovered(): void {
    if (!this.#away) return;
    this.#away = false;
    this.#context.log.log("info", "consul answers again");
  }

  #timeout(): AbortSignal {
    return AbortSignal.timeout(this.#settings.requestTimeoutMs);
  }

  #checkRunning(): void {
    if (this.#stopping !== undefined) throw stopped();
  }
}

/** No namespace means the default one; a known request is not copied. */
function withNamespace(request: ResolveRequest): ResolveRequest {
  const { appId, namespace } = request;
  return namespace === "" ? { appId, namespace: "default" } : request;
}

function emptyAgain(appId: string): OutriggerError {
  return new OutriggerError(`consul was away and has no instance of ${appId} yet`, {
    code: "OTR_RESOLVE_FAILED",
    details: { appId },
  });
}

function stopped(): OutriggerError {
  return new OutriggerError("resolver-consul is stopped", { code: "OTR_STOPPED" });
}
