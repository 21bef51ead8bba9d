import { Resolver as DnsResolver } from "node:dns/promises";
import { isIP } from "node:net";
import {
  type ComponentContext,
  type Endpoint,
  EndpointCache,
  OutriggerError,
  type ResolveRequest,
} from "@outrigger/core";
import { splitAddress } from "./name-template.ts";
import type { KubernetesSettings } from "./options.ts";

/** Answers of a DNS server that mean: this name has no address. */
const unknownCodes: readonly unknown[] = ["ENOTFOUND", "ENODATA", "EBADNAME"];
const serviceLabel = /^[a-z\d](?:[a-z\d-]*[a-z\d])?$/;
const maxLabelLength = 63;

interface TimedAddress {
  readonly address: string;
  /** Seconds. */
  readonly ttl: number;
}

/**
 * Asks the cluster's DNS for the addresses of an app's headless Service, as Dapr does. Names are
 * asked for as they are: the search list of a pod would send most questions out five times.
 */
export class DnsLookup {
  readonly #settings: KubernetesSettings;
  readonly #cache: EndpointCache;
  /** How long new answers may be used: the cache learns it from whoever takes an answer first. */
  readonly #lifetimes = new WeakMap<readonly Endpoint[], number>();

  constructor(settings: KubernetesSettings, { log }: ComponentContext) {
    this.#settings = settings;
    this.#cache = new EndpointCache({
      lookup: (request, signal) => this.#ask(request, signal),
      now: () => performance.now(),
      freshMs: settings.maxCacheMs,
      lookupTimeoutMs: settings.lookupTimeoutMs,
      onStale: ({ appId }, reason) =>
        log.log("warn", `DNS does not answer for ${appId}; using the last known: ${reason}`),
      onRecovered: ({ appId }) => log.log("info", `DNS answers again for ${appId}`),
    });
  }

  async resolve(request: ResolveRequest, signal: AbortSignal): Promise<readonly Endpoint[]> {
    const endpoints = await this.#cache.get(request, signal);
    const lifetimeMs = this.#lifetimes.get(endpoints);
    if (lifetimeMs !== undefined) {
      this.#lifetimes.delete(endpoints);
      this.#cache.put(request, endpoints, lifetimeMs);
    }
    return endpoints;
  }

  close(reason: OutriggerError): void {
    this.#cache.close(reason);
  }

  async #ask(request: ResolveRequest, signal: AbortSignal): Promise<readonly Endpoint[]> {
    const { host, port } = this.#target(request);
    const { namespace } = request;
    if (isIP(host) !== 0) return [{ host, port, namespace }];
    const found = await this.#addresses(host, signal);
    const endpoints = [...new Set(found.map(({ address }) => address))].map((address) => ({
      host: address,
      port,
      namespace,
    }));
    const ttlMs = Math.min(...found.map(({ ttl }) => ttl)) * 1_000;
    this.#lifetimes.set(endpoints, Math.min(ttlMs, this.#settings.maxCacheMs));
    return endpoints;
  }

  #target({ appId, namespace }: ResolveRequest): { host: string; port: number } {
    const { template, clusterDomain, port } = this.#settings;
    // DNS ignores case, so that a name with capitals would find another app.
    if (!isServiceName(`${appId}-dapr`) || !isServiceName(namespace)) {
      throw notFound(appId, "no Service of Kubernetes can have such a name");
    }
    if (template === undefined) {
      return { host: `${appId}-dapr.${namespace}.svc.${clusterDomain}`, port };
    }
    const address = template({ id: appId, namespace, port });
    const target = splitAddress(address);
    if (target === undefined) throw notFound(appId, `the template gives ${address}`);
    return target;
  }

  async #addresses(host: string, signal: AbortSignal): Promise<readonly TimedAddress[]> {
    const resolver = new DnsResolver();
    if (this.#settings.nameServers !== undefined) resolver.setServers(this.#settings.nameServers);
    const cancel = (): void => resolver.cancel();
    signal.addEventListener("abort", cancel, { once: true });
    try {
      const answers = await Promise.allSettled([
        resolver.resolve4(host, { ttl: true }),
        resolver.resolve6(host, { ttl: true }),
      ]);
      const found = answers.flatMap((one) => (one.status === "fulfilled" ? one.value : []));
      if (found.length > 0) return found;
      const failures = answers.flatMap((one) => (one.status === "rejected" ? [one.reason] : []));
      // One family is always missing; what else went wrong counts more than that.
      throw dnsFailure(host, failures.find((one) => !isUnknown(one)) ?? failures[0]);
    } finally {
      signal.removeEventListener("abort", cancel);
    }
  }
}

function isServiceName(text: string): boolean {
  return text.length <= maxLabelLength && serviceLabel.test(text);
}

function isUnknown(reason: unknown): boolean {
  return unknownCodes.includes((reason as NodeJS.ErrnoException | undefined)?.code);
}

function dnsFailure(host: string, cause: unknown): OutriggerError {
  const why = cause instanceof Error ? cause.message : "no addresses";
  return new OutriggerError(`failed to resolve address for '${host}': ${why}`, {
    code: cause === undefined || isUnknown(cause) ? "OTR_RESOLVE_NOT_FOUND" : "OTR_RESOLVE_FAILED",
    cause,
    details: { host },
  });
}

function notFound(appId: string, why: string): OutriggerError {
  return new OutriggerError(`failed to resolve address for '${appId}': ${why}`, {
    code: "OTR_RESOLVE_NOT_FOUND",
    details: { appId },
  });
}
