import type { RemoteInfo } from "node:dgram";
import { hostname } from "node:os";
import {
  type ComponentContext,
  type ComponentFactory,
  createEndpointHealth,
  type Endpoint,
  type EndpointHealth,
  type EndpointOutcome,
  type Instance,
  OutriggerError,
  parseOptions,
  type ResolveRequest,
  type Resolver,
  type ResolverFeatures,
  unlessAborted,
} from "@outrigger/core";
import type { Packet } from "dns-packet";
import { isLoopback } from "./address.ts";
import { Announcement } from "./announcement.ts";
import { Diagnosis } from "./diagnosis.ts";
import { InstanceCache } from "./instance-cache.ts";
import type { Link } from "./link.ts";
import { Lookup } from "./lookup.ts";
import { instanceLabel, isEncodableId, serviceName } from "./names.ts";
import { Network } from "./network.ts";
import { type MdnsSettings, optionsSchema, type ResolverMdnsOptions } from "./options.ts";
import { checkedInstance } from "./own-instance.ts";
import { Responder } from "./responder.ts";
import { readSightings } from "./sighting.ts";

export type { ResolverMdnsOptions } from "./options.ts";

/** Apps that nobody asked for in this time are no longer refreshed. */
const inUseMs = 10 * 60_000;
/** Most look-ups on the network at once. */
const maxLookups = 4_096;
/** A failed endpoint makes us ask again, at most this often per app. */
const askAgainMs = 1_000;

/**
 * Finds sidecars on the local network, and makes the own one findable. Speaks the form of Dapr's
 * mDNS resolver, so that sidecars of both kinds find each other.
 */
export function resolverMdns(options: ResolverMdnsOptions = {}): ComponentFactory<Resolver> {
  const settings = parseOptions("resolver-mdns", optionsSchema, options);
  return (context) => new ResolverMdns(settings, context);
}

class ResolverMdns implements Resolver {
  readonly name = "resolver-mdns";
  readonly features: ResolverFeatures = {
    announces: true,
    namespaces: true,
    expires: true,
    watches: false,
  };
  readonly #settings: MdnsSettings;
  readonly #context: ComponentContext;
  readonly #cache: InstanceCache;
  readonly #health: EndpointHealth;
  readonly #network: Network;
  readonly #responder: Responder;
  readonly #diagnosis: Diagnosis;
  readonly #lookups = new Map<string, Lookup>();
  readonly #reserved = new Set<string>();
  readonly #askedAgainAt = new Map<string, number>();
  #refreshTimer: NodeJS.Timeout | undefined;
  #state: "new" | "started" | "stopped" = "new";
  #stopping: Promise<void> | undefined;

  constructor(settings: MdnsSettings, context: ComponentContext) {
    this.#settings = settings;
    this.#context = context;
    const now = () => performance.now();
    this.#cache = new InstanceCache({ ...settings, now });
    this.#health = createEndpointHealth({ now, retryAfterMs: settings.retryAfterMs });
    this.#network = new Network(settings, this.#networkListener(), context.log);
    this.#responder = new Responder(settings.port, () => this.#network.links);
    this.#diagnosis = new Diagnosis(settings, this.#network, context.log);
  }

  /** Opens the sockets. A machine without a network is no failure: it may get one later. */
  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#state === "stopped") throw stopped();
    this.#state = "started";
    await unlessAborted(this.#network.open(), signal);
    if (this.#isStopped() || this.#refreshTimer !== undefined) return;
    this.#refreshTimer = setInterval(() => this.#refresh(), this.#settings.refreshIntervalMs);
    this.#refreshTimer.unref();
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async resolve(request: ResolveRequest, signal: AbortSignal): Promise<readonly Endpoint[]> {
    signal.throwIfAborted();
    this.#checkRunning();
    const namespace = request.namespace || "default";
    const known = this.#cache.endpoints(request.appId, namespace);
    if (known.length > 0) {
      // What was only overheard may be one announcement of many instances.
      if (!this.#cache.touch(request.appId, inUseMs)) this.#ask(request.appId);
      return this.#health.filter(known);
    }
    if (!isEncodableId(request.appId)) throw this.#diagnosis.impossibleId(request.appId);
    if (this.#network.links.length === 0) await this.#findNetwork(signal);
    const found = await unlessAborted(this.#lookup(request.appId, namespace).result, signal);
    this.#cache.touch(request.appId, inUseMs);
    return this.#health.filter(found);
  }

  async announce(instance: Instance, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.#checkRunning();
    const own = await checkedInstance(instance, signal);
    const key = `${own.appId}:${own.internalPort}:${own.host}`;
    if (this.#reserved.has(key)) {
      throw new OutriggerError(
        `app id ${own.appId} already registered for port ${own.internalPort}`,
        { code: "OTR_OPTIONS_INVALID", details: { appId: own.appId, port: own.internalPort } },
      );
    }
    this.#reserved.add(key);
    try {
      if (this.#network.links.length === 0) await this.#findNetwork(signal);
      this.#checkRunning();
      await this.#register(own, signal);
    } catch (reason) {
      this.#reserved.delete(key);
      throw reason;
    }
  }

  async withdraw(): Promise<void> {
    this.#reserved.clear();
    const announcements = this.#responder.announcements;
    for (const { instanceName } of announcements) this.#cache.removeOwn(instanceName);
    await Promise.all(announcements.map((entry) => this.#responder.remove(entry)));
  }

  report(request: ResolveRequest, endpoint: Endpoint, outcome: EndpointOutcome): void {
    this.#health.report(endpoint, outcome);
    if (outcome === "unreachable" && this.#state === "started") this.#askAgain(request.appId);
  }

  async #stop(): Promise<void> {
    this.#state = "stopped";
    clearInterval(this.#refreshTimer);
    for (const lookup of this.#lookups.values()) lookup.cancel(stopped());
    this.#lookups.clear();
    // Says goodbye for what is still announced; nothing is left to say after `withdraw`.
    await this.withdraw();
    this.#responder.close();
    await this.#network.close();
    this.#cache.clear();
  }

  async #register(own: Instance, signal: AbortSignal): Promise<void> {
    const unique = this.#uniqueSuffix();
    const label = instanceLabel(hostname(), process.pid, own.internalPort, unique);
    const announcement = new Announcement(own, label, `otr-${process.pid}-${unique}`);
    const { appId, host, internalPort: port, namespace } = own;
    this.#cache.addOwn(appId, announcement.instanceName, { host, port, namespace });
    try {
      await unlessAborted(this.#responder.add(announcement), signal);
    } catch (reason) {
      this.#cache.removeOwn(announcement.instanceName);
      await this.#responder.remove(announcement);
      throw reason;
    }
    this.#context.log.log("info", `local service entry announced: ${appId} -> ${host}:${port}`);
  }

  #uniqueSuffix(): string {
    return Math.floor(this.#context.random() * 2 ** 32)
      .toString(16)
      .padStart(8, "0");
  }

  #lookup(appId: string, namespace: string): Lookup {
    const key = `${namespace}/${appId}`;
    const shared = this.#lookups.get(key);
    if (shared !== undefined) return shared;
    if (this.#lookups.size >= maxLookups) {
      throw new OutriggerError("too many mDNS look-ups at once", { code: "OTR_RESOLVE_FAILED" });
    }
    const lookup = new Lookup(
      {
        ask: () => void this.#network.query(serviceName(appId)),
        found: () => this.#cache.endpoints(appId, namespace),
        notFound: (asked) => this.#diagnosis.notFound(appId, asked),
      },
      this.#settings,
    );
    this.#lookups.set(key, lookup);
    const forget = () => {
      if (this.#lookups.get(key) === lookup) this.#lookups.delete(key);
    };
    lookup.result.then(forget, forget);
    lookup.start();
    return lookup;
  }

  /** Without any socket, one more look at the interfaces decides at once instead of a time-out. */
  async #findNetwork(signal: AbortSignal): Promise<void> {
    await unlessAborted(this.#network.rescan(), signal);
    this.#checkRunning();
    if (this.#network.links.length === 0) throw this.#diagnosis.noNetwork();
  }

  #networkListener() {
    return {
      onQuery: (packet: Packet, from: RemoteInfo, link: Link) =>
        this.#responder.onQuery(packet, from, link),
      onResponse: (packet: Packet, local: boolean) => this.#learn(packet, local),
      onLink: (link: Link) => this.#greet(link),
    };
  }

  /** Every answer and announcement counts, asked for or not: new instances get calls at once. */
  #learn(packet: Packet, local: boolean): void {
    const sightings = readSightings(packet, (instanceName, why) => {
      this.#context.log.log("debug", `mDNS: skipped ${instanceName}: ${why}`);
    });
    for (const sighting of sightings) {
      // Dapr's CLI announces 127.0.0.1 to the whole network; on other machines that is nobody.
      if (!local && sighting.endpoint && isLoopback(sighting.endpoint.host)) continue;
      const appId = this.#cache.apply(sighting);
      if (appId !== undefined && sighting.endpoint !== undefined) this.#tellLookups(appId);
    }
  }

  #tellLookups(appId: string): void {
    if (this.#lookups.size === 0) return;
    const suffix = `/${appId}`;
    for (const [key, lookup] of this.#lookups) if (key.endsWith(suffix)) lookup.seen();
  }

  #greet(link: Link): void {
    this.#responder.onLink(link);
    for (const appId of this.#cache.appsInUse(inUseMs)) void link.query(serviceName(appId));
  }

  /** Asks for everything in use, so that lifetimes are extended before they end. */
  #refresh(): void {
    for (const appId of this.#cache.appsInUse(inUseMs)) {
      void this.#network.query(serviceName(appId));
    }
  }

  /** An endpoint failed: a restarted instance may already be listening somewhere else. */
  #askAgain(appId: string): void {
    const time = performance.now();
    if (time - (this.#askedAgainAt.get(appId) ?? Number.NEGATIVE_INFINITY) < askAgainMs) return;
    if (this.#askedAgainAt.size >= this.#settings.maxApps) this.#askedAgainAt.clear();
    this.#askedAgainAt.set(appId, time);
    this.#ask(appId);
  }

  #ask(appId: string): void {
    if (isEncodableId(appId)) void this.#network.query(serviceName(appId));
  }

  #isStopped(): boolean {
    return this.#state === "stopped";
  }

  #checkRunning(): void {
    if (this.#state === "stopped") throw stopped();
    if (this.#state === "new") {
      throw new OutriggerError("resolver-mdns is not started", { code: "OTR_NOT_STARTED" });
    }
  }
}

function stopped(): OutriggerError {
  return new OutriggerError("resolver-mdns is stopped", { code: "OTR_STOPPED" });
}
