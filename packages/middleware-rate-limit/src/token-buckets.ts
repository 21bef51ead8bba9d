/** How buckets fill. */
export interface BucketSettings {
  /** Tokens per second. */
  readonly rate: number;
  /** Tokens that a full bucket holds. */
  readonly burst: number;
  readonly maxBuckets: number;
  /** Milliseconds. */
  readonly now: () => number;
}

interface Bucket {
  tokens: number;
  at: number;
}

/** A token bucket for each key. Full ones are worth nothing to remember, so the oldest go first. */
export class TokenBuckets {
  readonly #settings: BucketSettings;
  /** In the order of use. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(settings: BucketSettings) {
    this.#settings = settings;
  }

  /** Takes a token when there is one. @returns `remaining` whole tokens after that. */
  take(key: string): { readonly allowed: boolean; readonly remaining: number } {
    const { rate, burst, maxBuckets, now } = this.#settings;
    const at = now();
    const bucket = this.#buckets.get(key) ?? { tokens: burst, at };
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    if (this.#buckets.size > maxBuckets) this.#forgetOldest();
    // A clock that was set back gives nothing.
    const elapsedMs = Math.max(0, at - bucket.at);
    bucket.tokens = Math.min(burst, bucket.tokens + (elapsedMs / 1_000) * rate);
    bucket.at = at;
    const allowed = bucket.tokens >= 1;
    if (allowed) bucket.tokens -= 1;
    return { allowed, remaining: Math.floor(bucket.tokens) };
  }

  #forgetOldest(): void {
    for (const key of this.#buckets.keys()) {
      this.#buckets.delete(key);
      return;
    }
  }
}
