import { isOutriggerError, OutriggerError } from "./errors.ts";
import { unlessAborted } from "./invocation/abortable.ts";
import type { Endpoint, ResolveRequest } from "./resolver.ts";

/** Settings of an {@link EndpointCache}. Times in milliseconds. */
export interface EndpointCacheSettings {
  /**
   * Asks the registry. An app without endpoints is `OTR_RESOLVE_NOT_FOUND`; anything else that is
   * thrown counts as a registry that could not be asked.
   */
  readonly lookup: (request: ResolveRequest, signal: AbortSignal) => Promise<readonly Endpoint[]>;
  /** A clock that does not jump: `performance.now`, or the clock of a test. */
  readonly now: () => number;
  /** Answers are used this long before the registry is asked again. */
  readonly freshMs: number;
  /** How long one answer of `lookup` is used, where answers differ in that. Default `freshMs`. */
  readonly freshMsOf?: (endpoints: readonly Endpoint[]) => number;
  /** Longest time of one look-up. Default 2000. */
  readonly lookupTimeoutMs?: number;
  /** The last answer is used at most this long while the registry is away. Default 1 hour. */
  readonly keepMs?: number;
  /** Pause between two look-ups of an app while the registry is away. Default 1000. */
  readonly retryAfterMs?: number;
  /** Most apps remembered; the oldest answer goes first. Default 4096. */
  readonly maxApps?: number;
  /** Told once per app and outage that calls go on with the last known endpoints. */
  readonly onStale?: (request: ResolveRequest, reason: unknown) => void;
  /** Told when the registry answers again for an app that `onStale` was called for. */
  readonly onRecovered?: (request: ResolveRequest) => void;
}

interface Entry {
  endpoints: readonly Endpoint[];
  freshUntil: number;
  answeredAt: number;
  stale: boolean;
}

interface Lookup {
  readonly result: Promise<readonly Endpoint[]>;
  readonly cancel: AbortController;
}

/**
 * What a resolver remembers of its registry: answers for as long as they are fresh, one look-up for
 * everybody who waits, the last known endpoints while the registry is away. Failures are not
 * remembered: an app that appears is found by the next call.
 */
export class EndpointCache {
  readonly #settings: Required<
    Omit<EndpointCacheSettings, "freshMsOf" | "onStale" | "onRecovered">
  > &
    EndpointCacheSettings;
  readonly #entries = new Map<string, Entry>();
  readonly #lookups = new Map<string, Lookup>();
  #closed = false;

  constructor(settings: EndpointCacheSettings) {
    this.#settings = {
      lookupTimeoutMs: 2_000,
      keepMs: 3_600_000,
      retryAfterMs: 1_000,
      maxApps: 4_096,
      ...settings,
    };
  }

  /** Apps remembered now. */
  get size(): number {
    return this.#entries.size;
  }

  /**
   * The endpoints of an app, from memory where they are fresh.
   * @throws OutriggerError of the look-up; the reason of `signal` when that aborts first, which
   *   leaves the look-up to the others who wait for it.
   */
  async get(request: ResolveRequest, signal: AbortSignal): Promise<readonly Endpoint[]> {
    const key = keyOf(request);
    const entry = this.#entries.get(key);
    if (entry !== undefined && entry.freshUntil > this.#settings.now()) {
      return entry.endpoints;
    }
    return unlessAborted(this.#lookup(key, request).result, signal);
  }

  /** Puts in what the registry told by itself, for example through a watch. */
  put(
    request: ResolveRequest,
    endpoints: readonly Endpoint[],
    freshMs: number = this.#settings.freshMs,
  ): void {
    if (this.#closed) return;
    const key = keyOf(request);
    if (endpoints.length === 0) {
      this.#entries.delete(key);
      return;
    }
    const now = this.#settings.now();
    const recovered = this.#entries.get(key)?.stale === true;
    // Deleting first moves the entry to the end: the first one is the oldest.
    this.#entries.delete(key);
    this.#makeRoom();
    const freshUntil = now + freshMs;
    this.#entries.set(key, { endpoints, freshUntil, answeredAt: now, stale: false });
    if (recovered) this.#settings.onRecovered?.(request);
  }

  /** The next call asks the registry; until it has answered, what is known stays known. */
  expire(request: ResolveRequest): void {
    const entry = this.#entries.get(keyOf(request));
    if (entry !== undefined) entry.freshUntil = Number.NEGATIVE_INFINITY;
  }

  /** Expires everything, for example when a watch was lost. */
  expireAll(): void {
    for (const entry of this.#entries.values()) entry.freshUntil = Number.NEGATIVE_INFINITY;
  }

  /** Forgets everything and ends the look-ups under way for everybody who waits. Final. */
  close(reason: OutriggerError): void {
    this.#closed = true;
    this.#entries.clear();
    for (const { cancel } of this.#lookups.values()) cancel.abort(reason);
  }

  #lookup(key: string, request: ResolveRequest): Lookup {
    const shared = this.#lookups.get(key);
    if (shared !== undefined) return shared;
    if (this.#lookups.size >= this.#settings.maxApps) {
      throw new OutriggerError(`too many look-ups at once, no room for ${request.appId}`, {
        code: "OTR_RESOLVE_FAILED",
      });
    }
    const cancel = new AbortController();
    const result = this.#ask(key, request, cancel.signal).finally(() => this.#lookups.delete(key));
    // Every caller may have gone by the time it fails.
    result.catch(() => undefined);
    const lookup = { result, cancel };
    this.#lookups.set(key, lookup);
    return lookup;
  }

  async #ask(
    key: string,
    request: ResolveRequest,
    cancel: AbortSignal,
  ): Promise<readonly Endpoint[]> {
    const { lookup, lookupTimeoutMs, freshMsOf } = this.#settings;
    const timeout = new AbortController();
    const timer = setTimeout(
      () => timeout.abort(timedOut(request, lookupTimeoutMs)),
      lookupTimeoutMs,
    );
    const signal = AbortSignal.any([cancel, timeout.signal]);
    try {
      const endpoints = await unlessAborted(lookup(request, signal), signal);
      this.put(request, endpoints, freshMsOf?.(endpoints));
      return endpoints;
    } catch (reason) {
      if (cancel.aborted) throw cancel.reason;
      return this.#lastKnown(key, request, reason);
    } finally {
      clearTimeout(timer);
    }
  }

  #lastKnown(key: string, request: ResolveRequest, reason: unknown): readonly Endpoint[] {
    const { now, keepMs, retryAfterMs, onStale } = this.#settings;
    const entry = this.#entries.get(key);
    const gone = isOutriggerError(reason, "OTR_RESOLVE_NOT_FOUND");
    if (entry === undefined || gone || now() - entry.answeredAt > keepMs) {
      this.#entries.delete(key);
      throw reason;
    }
    entry.freshUntil = now() + retryAfterMs;
    if (!entry.stale) {
      entry.stale = true;
      onStale?.(request, reason);
    }
    return entry.endpoints;
  }

  #makeRoom(): void {
    if (this.#entries.size < this.#settings.maxApps) return;
    const oldest = this.#entries.keys().next();
    if (!oldest.done) this.#entries.delete(oldest.value);
  }
}

function keyOf({ namespace, appId }: ResolveRequest): string {
  return `${namespace}/${appId}`;
}

function timedOut({ appId }: ResolveRequest, lookupTimeoutMs: number): OutriggerError {
  return new OutriggerError(`no answer within ${lookupTimeoutMs} ms for app id ${appId}`, {
    code: "OTR_RESOLVE_FAILED",
    details: { appId, lookupTimeoutMs },
  });
}
