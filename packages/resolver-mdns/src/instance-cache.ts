import { type Endpoint, joinHostPort } from "@outrigger/core";
import type { Sighting } from "./sighting.ts";

/** Settings of {@link InstanceCache}. */
export interface InstanceCacheSettings {
  readonly instanceLifetimeMs: number;
  readonly maxApps: number;
  readonly maxInstancesPerApp: number;
  /** A clock in milliseconds that never jumps. */
  readonly now: () => number;
}

interface Entry {
  readonly appId: string;
  readonly instanceName: string;
  endpoint: Endpoint;
  /** Infinity for our own registrations, which no packet can end. */
  expiresAt: number;
}

interface KnownApp {
  readonly entries: Map<string, Entry>;
  /** Answers already put together, by namespace. */
  readonly answers: Map<string, Answer>;
  /** When somebody last asked; `undefined` while the app was only overheard. */
  askedAt: number | undefined;
}

interface Answer {
  readonly endpoints: readonly Endpoint[];
  readonly validUntil: number;
}

/** An app is asked for in few namespaces; more than this many means that somebody makes them up. */
const maxAnswersPerApp = 16;

/**
 * What was seen on the network, bounded in both directions. Expiry is checked when reading, by a
 * clock that does not follow the wall clock: a jump of the date neither empties the cache nor
 * makes anything immortal.
 */
export class InstanceCache {
  readonly #settings: InstanceCacheSettings;
  readonly #apps = new Map<string, KnownApp>();
  readonly #byName = new Map<string, Entry>();
  readonly #byAddress = new Map<string, Entry>();

  constructor(settings: InstanceCacheSettings) {
    this.#settings = settings;
  }

  /** All live endpoints that match the namespace. The list is shared: do not change it. */
  endpoints(appId: string, namespace: string): readonly Endpoint[] {
    const app = this.#apps.get(appId);
    if (app === undefined) return [];
    const time = this.#settings.now();
    const ready = app.answers.get(namespace);
    if (ready !== undefined && ready.validUntil > time) return ready.endpoints;
    const answer = this.#collect(app, namespace, time);
    if (app.answers.size >= maxAnswersPerApp) app.answers.clear();
    app.answers.set(namespace, answer);
    return answer.endpoints;
  }

  /**
   * Notes that the app is in use, so that it is refreshed and kept.
   * @returns whether it was in use before, within the time.
   */
  touch(appId: string, withinMs: number): boolean {
    const app = this.#apps.get(appId);
    if (app === undefined) return false;
    const now = this.#settings.now();
    const wasInUse = app.askedAt !== undefined && app.askedAt >= now - withinMs;
    app.askedAt = now;
    return wasInUse;
  }

  /** Apps that were asked for within the time. */
  appsInUse(withinMs: number): readonly string[] {
    const since = this.#settings.now() - withinMs;
    const used: string[] = [];
    for (const [appId, app] of this.#apps) {
      if (app.askedAt !== undefined && app.askedAt >= since) used.push(appId);
    }
    return used;
  }

  /** Takes in what a packet told. Returns the app whose instances it touched, if any. */
  apply(sighting: Sighting): string | undefined {
    const { appId, instanceName, endpoint } = sighting;
    if (endpoint === undefined) return this.#removeSeen(instanceName);
    const expiresAt = this.#settings.now() + this.#settings.instanceLifetimeMs;
    return this.#put(appId, instanceName, endpoint, expiresAt);
  }

  /** Adds an own registration; it stays until it is removed. */
  addOwn(appId: string, instanceName: string, endpoint: Endpoint): void {
    this.#put(appId, instanceName, endpoint, Number.POSITIVE_INFINITY);
  }

  removeOwn(instanceName: string): void {
    const entry = this.#byName.get(instanceName);
    if (entry !== undefined) this.#remove(entry);
  }

  clear(): void {
    this.#apps.clear();
    this.#byName.clear();
    this.#byAddress.clear();
  }

  #collect(app: KnownApp, namespace: string, time: number): Answer {
    const endpoints: Endpoint[] = [];
    let validUntil = Number.POSITIVE_INFINITY;
    for (const entry of [...app.entries.values()]) {
      if (entry.expiresAt <= time) {
        this.#remove(entry);
        continue;
      }
      // Dapr's sidecars state no namespace; they answer for every one, as in Dapr.
      if ((entry.endpoint.namespace ?? namespace) !== namespace) continue;
      endpoints.push(entry.endpoint);
      validUntil = Math.min(validUntil, entry.expiresAt);
    }
    return { endpoints, validUntil };
  }

  #put(
    appId: string,
    instanceName: string,
    endpoint: Endpoint,
    expiresAt: number,
  ): string | undefined {
    const address = joinHostPort(endpoint.host, endpoint.port);
    const known = this.#byName.get(instanceName);
    if (known !== undefined && isOwn(known)) return undefined;
    const holder = this.#byAddress.get(address);
    if (holder !== undefined && holder !== known) {
      // One address is one sidecar: whoever announced it before has been replaced.
      if (isOwn(holder) && Number.isFinite(expiresAt)) return undefined;
      this.#remove(holder);
    }
    if (known !== undefined && sameEndpoint(known.endpoint, endpoint)) {
      known.expiresAt = expiresAt;
      return appId;
    }
    if (known !== undefined) this.#remove(known);
    const app = this.#appFor(appId);
    if (app === undefined || !this.#hasRoom(app)) return undefined;
    const entry: Entry = { appId, instanceName, endpoint, expiresAt };
    app.entries.set(instanceName, entry);
    app.answers.clear();
    this.#byName.set(instanceName, entry);
    this.#byAddress.set(address, entry);
    return appId;
  }

  #appFor(appId: string): KnownApp | undefined {
    const known = this.#apps.get(appId);
    if (known !== undefined) return known;
    if (this.#apps.size >= this.#settings.maxApps && !this.#evictApp()) return undefined;
    const app: KnownApp = { entries: new Map(), answers: new Map(), askedAt: undefined };
    this.#apps.set(appId, app);
    return app;
  }

  /** Makes room: an app that nobody asked for goes before one that is in use. */
  #evictApp(): boolean {
    let victim: string | undefined;
    let victimAskedAt = Number.POSITIVE_INFINITY;
    for (const [appId, app] of this.#apps) {
      if ([...app.entries.values()].some(isOwn)) continue;
      const askedAt = app.askedAt ?? Number.NEGATIVE_INFINITY;
      if (askedAt >= victimAskedAt) continue;
      victim = appId;
      victimAskedAt = askedAt;
      if (app.askedAt === undefined) break;
    }
    if (victim === undefined) return false;
    for (const entry of [...(this.#apps.get(victim)?.entries.values() ?? [])]) this.#remove(entry);
    this.#apps.delete(victim);
    return true;
  }

  #hasRoom(app: KnownApp): boolean {
    if (app.entries.size < this.#settings.maxInstancesPerApp) return true;
    const time = this.#settings.now();
    for (const entry of [...app.entries.values()]) {
      if (entry.expiresAt <= time) this.#remove(entry);
    }
    return app.entries.size < this.#settings.maxInstancesPerApp;
  }

  #removeSeen(instanceName: string): string | undefined {
    const entry = this.#byName.get(instanceName);
    if (entry === undefined || isOwn(entry)) return undefined;
    this.#remove(entry);
    return entry.appId;
  }

  /** The app itself stays, with the time of its last use, so that it goes on being refreshed. */
  #remove(entry: Entry): void {
    const app = this.#apps.get(entry.appId);
    app?.entries.delete(entry.instanceName);
    app?.answers.clear();
    this.#byName.delete(entry.instanceName);
    const address = joinHostPort(entry.endpoint.host, entry.endpoint.port);
    if (this.#byAddress.get(address) === entry) this.#byAddress.delete(address);
  }
}

function isOwn(entry: Entry): boolean {
  return entry.expiresAt === Number.POSITIVE_INFINITY;
}

function sameEndpoint(one: Endpoint, other: Endpoint): boolean {
  return one.host === other.host && one.port === other.port && one.namespace === other.namespace;
}
