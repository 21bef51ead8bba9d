import type { Endpoint, EndpointCache, ResolveRequest } from "@outrigger/core";

/** A failed endpoint makes us ask again, at most this often per app. */
const hintMs = 1_000;
const maxNamespaces = 16;
const maxListeners = 1_000;

/** What {@link Updates} works with. Times in milliseconds. */
export interface UpdatesSettings {
  /** Asks the registry past every cache. */
  readonly ask: (
    appId: string,
    signal: AbortSignal,
  ) => Promise<(namespace: string) => readonly Endpoint[]>;
  readonly cache: EndpointCache;
  /** False while an empty answer may only mean that the registry lost its data a moment ago. */
  readonly believesEmpty: () => boolean;
  readonly freshMs: number;
  readonly requestTimeoutMs: number;
}

type Listener = (endpoints: readonly Endpoint[]) => void;

interface App {
  readonly appId: string;
  /** Who asks for the app, by namespace. */
  readonly requests: Map<string, ResolveRequest>;
  usedAt: number;
  askedAt: number;
  asking: boolean;
  /** It changed again while it was being asked for. */
  again: boolean;
}

/** Puts what changed in the registry into the cache before the next call asks for it. */
export class Updates {
  readonly #settings: UpdatesSettings;
  readonly #apps = new Map<string, App>();
  readonly #listeners = new Set<{ readonly request: ResolveRequest; readonly tell: Listener }>();
  readonly #stop = new AbortController();

  constructor(settings: UpdatesSettings) {
    this.#settings = settings;
  }

  /** Keeps the answers for this request up to date. */
  track(request: ResolveRequest): void {
    const { appId, namespace } = request;
    let app = this.#apps.get(appId);
    if (app === undefined) {
      const never = Number.NEGATIVE_INFINITY;
      const [asking, again] = [false, false];
      app = { appId, requests: new Map(), usedAt: 0, askedAt: never, asking, again };
      this.#apps.set(appId, app);
    }
    app.usedAt = performance.now();
    if (app.requests.size < maxNamespaces) app.requests.set(namespace, request);
  }

  isTracked(appId: string): boolean {
    return this.#apps.has(appId);
  }

  untrack(appId: string): void {
    this.#apps.delete(appId);
  }

  /** An app that nobody asked for since then; undefined when all are in use. */
  idleSince(time: number): string | undefined {
    for (const { appId, usedAt } of this.#apps.values()) {
      if (usedAt < time && !this.#isListenedTo(appId)) return appId;
    }
    return undefined;
  }

  /** The app may have moved: asks again, unless that was done a moment ago. */
  hint(appId: string): void {
    const app = this.#apps.get(appId);
    if (app !== undefined && performance.now() - app.askedAt >= hintMs) this.changed(appId);
  }

  /** The app changed: its answers are replaced, one question at a time. */
  changed(appId: string): void {
    const app = this.#apps.get(appId);
    if (app === undefined || this.#stop.signal.aborted) return;
    app.again = true;
    if (!app.asking) void this.#ask(app);
  }

  listen(request: ResolveRequest, tell: Listener): () => void {
    if (this.#listeners.size >= maxListeners) return () => undefined;
    const entry = { request, tell };
    this.#listeners.add(entry);
    return () => void this.#listeners.delete(entry);
  }

  stop(): void {
    this.#stop.abort();
    this.#apps.clear();
    this.#listeners.clear();
  }

  async #ask(app: App): Promise<void> {
    const { ask, requestTimeoutMs } = this.#settings;
    app.asking = true;
    while (app.again && !this.#stop.signal.aborted) {
      app.again = false;
      app.askedAt = performance.now();
      try {
        const limit = AbortSignal.timeout(requestTimeoutMs);
        const select = await ask(app.appId, AbortSignal.any([this.#stop.signal, limit]));
        if (this.#apps.get(app.appId) === app) this.#store(app, select);
      } catch {
        // The next call asks, keeps the last known endpoints when that fails too, and says so.
        for (const request of app.requests.values()) this.#settings.cache.expire(request);
      }
    }
    app.asking = false;
  }

  #store(app: App, select: (namespace: string) => readonly Endpoint[]): void {
    const { cache, freshMs, believesEmpty } = this.#settings;
    for (const request of app.requests.values()) {
      const endpoints = select(request.namespace);
      if (endpoints.length === 0 && !believesEmpty()) {
        cache.expire(request);
        continue;
      }
      cache.put(request, endpoints, freshMs);
      for (const { request: wanted, tell } of this.#listeners) {
        if (wanted.appId !== app.appId || wanted.namespace !== request.namespace) continue;
        tell(endpoints);
      }
    }
  }

  #isListenedTo(appId: string): boolean {
    for (const { request } of this.#listeners) if (request.appId === appId) return true;
    return false;
  }
}
