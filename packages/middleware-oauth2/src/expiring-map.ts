/** How long and how many. */
export interface ExpiringMapSettings {
  readonly idleMs: number;
  readonly maxEntries: number;
  /** Milliseconds. */
  readonly now: () => number;
}

/** A map that forgets what is not used for a while, and the least recently used when it is full. */
export class ExpiringMap<Value> {
  readonly #settings: ExpiringMapSettings;
  /** In the order of use. */
  readonly #entries = new Map<string, { readonly value: Value; readonly until: number }>();

  constructor(settings: ExpiringMapSettings) {
    this.#settings = settings;
  }

  /** Counts as use. */
  get(key: string): Value | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    if (entry.until <= this.#settings.now()) return undefined;
    this.set(key, entry.value);
    return entry.value;
  }

  set(key: string, value: Value): void {
    const { idleMs, maxEntries, now } = this.#settings;
    const at = now();
    this.#entries.delete(key);
    this.#entries.set(key, { value, until: at + idleMs });
    for (const [oldest, { until }] of this.#entries) {
      if (until > at && this.#entries.size <= maxEntries) break;
      this.#entries.delete(oldest);
    }
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }
}
