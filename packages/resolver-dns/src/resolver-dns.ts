import {
  type ComponentContext,
  type ComponentFactory,
  createEndpointHealth,
  type Endpoint,
  EndpointCache,
  type EndpointHealth,
  type EndpointOutcome,
  errorText,
  OutriggerError,
  parseOptions,
  type ResolveRequest,
  type Resolver,
  type ResolverFeatures,
} from "@outrigger/core";
import { NameLookup } from "./name-lookup.ts";
import { hasNamespace, nameOf } from "./name-template.ts";
import { type DnsSettings, optionsSchema, type ResolverDnsOptions } from "./options.ts";

/** Finds sidecars by names that somebody else keeps in DNS. Registers nothing. */
export function resolverDns(options: ResolverDnsOptions): ComponentFactory<Resolver> {
  const settings = parseOptions("resolver-dns", optionsSchema, options);
  return (context) => new ResolverDns(settings, context);
}

class ResolverDns implements Resolver {
  readonly name = "resolver-dns";
  readonly features: ResolverFeatures;
  readonly #settings: DnsSettings;
  readonly #context: ComponentContext;
  readonly #names: NameLookup;
  readonly #cache: EndpointCache;
  readonly #health: EndpointHealth;
  readonly #freshMs = new WeakMap<readonly Endpoint[], number>();
  #askedAgainAt = Number.NEGATIVE_INFINITY;
  #away = false;
  #stopped = false;

  constructor(settings: DnsSettings, context: ComponentContext) {
    const now = () => performance.now();
    this.#settings = settings;
    this.#context = context;
    this.features = {
      announces: false,
      namespaces: hasNamespace(settings.name),
      expires: false,
      watches: false,
    };
    this.#names = new NameLookup(settings, (target, reason) =>
      context.log.log("debug", `resolver-dns: skipped ${target}: ${errorText(reason)}`),
    );
    this.#health = createEndpointHealth({ now, retryAfterMs: settings.retryAfterMs });
    this.#cache = new EndpointCache({
      now,
      freshMs: settings.minTtlMs,
      freshMsOf: (endpoints) => this.#freshMs.get(endpoints) ?? settings.minTtlMs,
      lookupTimeoutMs: settings.lookupTimeoutMs,
      keepMs: settings.keepMs,
      lookup: (request) => this.#lookup(request),
      onStale: (_request, reason) => this.#onStale(reason),
      onRecovered: () => this.#onRecovered(),
    });
  }

  async resolve(request: ResolveRequest, signal: AbortSignal): Promise<readonly Endpoint[]> {
    signal.throwIfAborted();
    if (this.#stopped) throw stopped();
    const found = await this.#cache.get(withNamespace(request), signal);
    return this.#health.filter(found);
  }

  report(request: ResolveRequest, endpoint: Endpoint, outcome: EndpointOutcome): void {
    this.#health.report(endpoint, outcome);
    if (outcome === "reached") return;
    // It may have moved before its TTL was over. Failing calls must not become a flood of questions.
    const now = performance.now();
    if (now - this.#askedAgainAt < this.#settings.minTtlMs) return;
    this.#askedAgainAt = now;
    this.#cache.expire(withNamespace(request));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cache.close(stopped());
    this.#names.cancel();
  }

  async #lookup(request: ResolveRequest): Promise<readonly Endpoint[]> {
    const name = this.#nameOf(request);
    const { endpoints, ttlMs } = await this.#names.ask(name);
    if (endpoints.length === 0) {
      throw notFound(request, `no address for app id ${request.appId} at ${name}`);
    }
    const { minTtlMs, maxTtlMs } = this.#settings;
    this.#freshMs.set(endpoints, Math.min(Math.max(ttlMs, minTtlMs), maxTtlMs));
    return endpoints;
  }

  #nameOf(request: ResolveRequest): string {
    const { appId } = request;
    if (appId === "") throw notFound(request, "empty ID not allowed");
    const name = nameOf(this.#settings.name, request);
    const shown = JSON.stringify(appId);
    if (name === undefined) throw notFound(request, `app id ${shown} cannot be part of a DNS name`);
    if (!this.#settings.upperCaseIds && appId !== appId.toLowerCase()) {
      throw notFound(
        request,
        `app id ${shown} has upper-case letters, which DNS does not tell from lower-case ones (option upperCaseIds)`,
      );
    }
    return name;
  }

  #onStale(reason: unknown): void {
    if (this.#away) return;
    this.#away = true;
    this.#context.log.log(
      "warn",
      `resolver-dns: calls go on to the last known endpoints: ${errorText(reason)}`,
    );
  }

  #onRecovered(): void {
    if (!this.#away) return;
    this.#away = false;
    this.#context.log.log("info", "resolver-dns: DNS answers again");
  }
}

function notFound({ appId, namespace }: ResolveRequest, message: string): OutriggerError {
  return new OutriggerError(message, {
    code: "OTR_RESOLVE_NOT_FOUND",
    details: { appId, namespace },
  });
}

function withNamespace({ appId, namespace }: ResolveRequest): ResolveRequest {
  return { appId, namespace: namespace || "default" };
}

function stopped(): OutriggerError {
  return new OutriggerError("resolver-dns is stopped", { code: "OTR_STOPPED" });
}
