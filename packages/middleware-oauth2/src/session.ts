import type { IssuedTokens } from "./token-endpoint.ts";

/** Renewed this long before its end, or for a short-lived one at nine tenths of its life. */
const renewBeforeMs = 10_000;

/** Somebody who has logged in. */
export class Session {
  readonly #refresh: (refreshToken: string) => Promise<IssuedTokens>;
  readonly #now: () => number;
  #tokens: IssuedTokens;
  #renewAt = Number.POSITIVE_INFINITY;
  #renewing: Promise<void> | undefined;

  constructor(
    tokens: IssuedTokens,
    refresh: (refreshToken: string) => Promise<IssuedTokens>,
    now: () => number,
  ) {
    this.#refresh = refresh;
    this.#now = now;
    this.#tokens = tokens;
    this.#take(tokens);
  }

  /**
   * The value of the header; `undefined` when the token has ended and there is no way to another but
   * a new login.
   * @throws TokenFailure when the provider does not give another.
   */
  async header(): Promise<string | undefined> {
    if (this.#now() < this.#renewAt) return this.#tokens.header;
    const { refreshToken } = this.#tokens;
    if (refreshToken === undefined) return undefined;
    this.#renewing ??= this.#renew(refreshToken);
    await this.#renewing;
    return this.#tokens.header;
  }

  async #renew(refreshToken: string): Promise<void> {
    try {
      const tokens = await this.#refresh(refreshToken);
      // RFC 6749 section 6: without a new one, the old refresh token stays good.
      this.#take({ ...tokens, refreshToken: tokens.refreshToken ?? refreshToken });
    } finally {
      this.#renewing = undefined;
    }
  }

  #take(tokens: IssuedTokens): void {
    const { lifetimeMs = Number.POSITIVE_INFINITY } = tokens;
    this.#tokens = tokens;
    this.#renewAt = this.#now() + Math.max(lifetimeMs - renewBeforeMs, lifetimeMs * 0.9);
  }
}
