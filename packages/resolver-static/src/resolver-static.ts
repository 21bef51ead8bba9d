import {
  type ComponentContext,
  type ComponentFactory,
  createEndpointHealth,
  type Endpoint,
  type EndpointHealth,
  type EndpointOutcome,
  OutriggerError,
  parseOptions,
  type ResolveRequest,
  type Resolver,
  type ResolverFeatures,
} from "@outrigger/core";
import { optionsSchema, type ResolverStaticOptions } from "./options.ts";

export type { ResolverStaticOptions, StaticEndpoint } from "./options.ts";

/** Answers from a list in the configuration. No registry, no network, no surprise. */
export function resolverStatic(options: ResolverStaticOptions): ComponentFactory<Resolver> {
  const { apps, retryAfterMs } = parseOptions("resolver-static", optionsSchema, options);
  return (_context: ComponentContext) => new ResolverStatic(apps, retryAfterMs);
}

class ResolverStatic implements Resolver {
  readonly name = "resolver-static";
  readonly features: ResolverFeatures = {
    announces: false,
    namespaces: true,
    expires: false,
    watches: false,
  };
  readonly #apps: ReadonlyMap<string, readonly Endpoint[]>;
  readonly #health: EndpointHealth;
  #stopped = false;

  constructor(apps: Readonly<Record<string, readonly Endpoint[]>>, retryAfterMs: number) {
    // A map, because an object would also "know" apps called toString or constructor.
    this.#apps = new Map(Object.entries(apps));
    this.#health = createEndpointHealth({ now: () => performance.now(), retryAfterMs });
  }

  async resolve(request: ResolveRequest, signal: AbortSignal): Promise<readonly Endpoint[]> {
    signal.throwIfAborted();
    if (this.#stopped) {
      throw new OutriggerError("resolver-static is stopped", { code: "OTR_STOPPED" });
    }
    const { appId } = request;
    const namespace = request.namespace || "default";
    // A dot separates app and namespace, so an id with a dot could only match by mistake.
    const endpoints = appId.includes(".")
      ? undefined
      : (this.#apps.get(`${appId}.${namespace}`) ?? this.#apps.get(appId));
    const known = endpoints?.filter((e) => (e.namespace ?? namespace) === namespace) ?? [];
    if (known.length > 0) return this.#health.filter(known);
    throw new OutriggerError(`couldn't find service: ${appId}`, {
      code: "OTR_RESOLVE_NOT_FOUND",
      details: { appId, namespace, apps: this.#apps.size },
    });
  }

  report(_request: ResolveRequest, endpoint: Endpoint, outcome: EndpointOutcome): void {
    this.#health.report(endpoint, outcome);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
  }
}
