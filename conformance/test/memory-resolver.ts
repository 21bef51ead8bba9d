import type { ResolverSubject } from "@outrigger/conformance";
import {
  createEndpointHealth,
  type Endpoint,
  type EndpointHealth,
  type EndpointOutcome,
  type Instance,
  OutriggerError,
  type ResolveRequest,
  type Resolver,
  type ResolverFeatures,
} from "@outrigger/core";

/** A registry in memory, shared by resolvers and peers. */
export class MemoryRegistry {
  readonly instances = new Map<string, Instance>();
  readonly resolvers = new Set<MemoryResolver>();
  queries = 0;
  reachable = true;

  add(instance: Instance): void {
    this.instances.set(`${instance.host}:${instance.internalPort}`, instance);
  }

  remove(instance: Instance): void {
    this.instances.delete(`${instance.host}:${instance.internalPort}`);
  }

  async lookUp(request: ResolveRequest): Promise<readonly Endpoint[]> {
    this.queries++;
    await new Promise((resolve) => setTimeout(resolve, 1));
    if (!this.reachable)
      throw new OutriggerError("registry is away", { code: "OTR_RESOLVE_FAILED" });
    const namespace = request.namespace || "default";
    return [...this.instances.values()]
      .filter((one) => one.appId === request.appId && one.namespace === namespace)
      .filter(({ internalPort }) => internalPort > 0)
      .map(({ host, internalPort }) => ({ host, port: internalPort }));
  }
}

/** A resolver that does everything right, for the suite to pass and for broken copies to differ from. */
export class MemoryResolver implements Resolver {
  readonly name = "resolver-memory";
  readonly features: ResolverFeatures = {
    announces: true,
    namespaces: true,
    expires: true,
    watches: false,
  };
  readonly #registry: MemoryRegistry;
  readonly #health: EndpointHealth;
  readonly #pending = new Map<string, Promise<readonly Endpoint[]>>();
  readonly #own: Instance[] = [];
  readonly #ended = new AbortController();

  constructor(registry: MemoryRegistry) {
    this.#registry = registry;
    this.#health = createEndpointHealth({ now: () => performance.now(), retryAfterMs: 50 });
  }

  async start(): Promise<void> {
    this.#registry.resolvers.add(this);
  }

  async stop(): Promise<void> {
    await this.withdraw();
    this.#registry.resolvers.delete(this);
    this.#ended.abort(new OutriggerError("stopped", { code: "OTR_STOPPED" }));
  }

  async resolve(request: ResolveRequest, signal: AbortSignal): Promise<readonly Endpoint[]> {
    signal.throwIfAborted();
    this.#ended.signal.throwIfAborted();
    const found = await untilAbort(this.#lookUp(request), [signal, this.#ended.signal]);
    if (found.length > 0) return this.#health.filter(found);
    throw new OutriggerError(`no app ${request.appId}`, { code: "OTR_RESOLVE_NOT_FOUND" });
  }

  async announce(instance: Instance): Promise<void> {
    for (const field of ["appId", "host", "internalPort"] as const) {
      const value = instance[field];
      if (!value || (typeof value === "number" && value > 65_535)) {
        throw new OutriggerError(`${field} is wrong`, { code: "OTR_OPTIONS_INVALID" });
      }
    }
    if (this.#own.some(({ appId }) => appId === instance.appId)) {
      throw new OutriggerError("already registered", { code: "OTR_OPTIONS_INVALID" });
    }
    this.#own.push(instance);
    this.registerOwn();
  }

  async withdraw(): Promise<void> {
    for (const instance of this.#own.splice(0)) this.#registry.remove(instance);
  }

  report(_request: ResolveRequest, endpoint: Endpoint, outcome: EndpointOutcome): void {
    this.#health.report(endpoint, outcome);
  }

  registerOwn(): void {
    for (const instance of this.#own) this.#registry.add(instance);
  }

  #lookUp(request: ResolveRequest): Promise<readonly Endpoint[]> {
    const key = `${request.namespace}/${request.appId}`;
    const shared = this.#pending.get(key);
    if (shared !== undefined) return shared;
    const pending = this.#registry.lookUp(request).finally(() => this.#pending.delete(key));
    pending.catch(() => undefined);
    this.#pending.set(key, pending);
    return pending;
  }
}

function untilAbort<T>(promise: Promise<T>, signals: readonly AbortSignal[]): Promise<T> {
  return new Promise((resolve, reject) => {
    const leave = new AbortController();
    for (const signal of signals) {
      const onAbort = () => reject(signal.reason);
      signal.addEventListener("abort", onAbort, { once: true, signal: leave.signal });
    }
    promise.then(resolve, reject).finally(() => leave.abort());
  });
}

/** A complete subject that passes every case. */
export function memorySubject(fixture: readonly Instance[]): ResolverSubject {
  const registry = new MemoryRegistry();
  for (const instance of fixture) registry.add(instance);
  const create = () => new MemoryResolver(registry);
  const away = new MemoryRegistry();
  away.reachable = false;
  return {
    resolver: create(),
    create,
    peers: {
      add: async (instance) => registry.add(instance),
      remove: async (instance) => registry.remove(instance),
      crash: async (instance) => registry.remove(instance),
      addMalformed: async (appId) => {
        const [any] = fixture;
        if (any !== undefined) registry.add({ ...any, appId, internalPort: 0 });
      },
    },
    backend: {
      interrupt: async () => {
        registry.reachable = false;
        registry.instances.clear();
      },
      restore: async () => {
        registry.reachable = true;
        for (const resolver of registry.resolvers) resolver.registerOwn();
      },
    },
    backendQueries: () => registry.queries,
    createUnreachable: () => new MemoryResolver(away),
    jumpClock: () => undefined,
    malformedConfigurations: [
      () => {
        throw new OutriggerError("wrong", { code: "OTR_OPTIONS_INVALID" });
      },
    ],
    limits: { unknownMs: 400, appearsMs: 100, disappearsMs: 100, expiresMs: 100, recoversMs: 100 },
  };
}

/** The resolver as a plain object whose methods can be replaced one by one. */
export function delegate(resolver: Resolver, overrides: Partial<Resolver> = {}): Resolver {
  return {
    name: resolver.name,
    features: resolver.features,
    start: async (signal) => resolver.start?.(signal),
    stop: async () => resolver.stop?.(),
    resolve: (request, signal) => resolver.resolve(request, signal),
    announce: async (instance, signal) => resolver.announce?.(instance, signal),
    withdraw: async () => resolver.withdraw?.(),
    report: (request, endpoint, outcome) => resolver.report?.(request, endpoint, outcome),
    ...overrides,
  };
}
