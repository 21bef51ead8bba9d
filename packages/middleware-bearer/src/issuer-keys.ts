import { errorText, type Logger, OutriggerError } from "@outrigger/core";
import { createRemoteJWKSet, type JWTVerifyGetKey } from "jose";

/** Where keys come from and how long they count as fresh. */
export interface IssuerKeySettings {
  readonly url: string;
  readonly refreshAfterMs: number;
  readonly log: Logger;
  readonly now: () => number;
}

/** Bound on fetching the keys. */
const timeoutMs = 5_000;

/** A token with an unknown key fetches the keys again, but no more often than this. */
const cooldownMs = 30_000;

/**
 * The keys of an issuer. Old ones serve on while new ones are fetched, and while the issuer is away:
 * its outage is no outage of those who trust it.
 */
export class IssuerKeys {
  readonly #settings: IssuerKeySettings;
  readonly #remote: ReturnType<typeof createRemoteJWKSet>;
  #fetchedAt = 0;
  #fetching = false;
  #isAway = false;

  constructor(settings: IssuerKeySettings) {
    this.#settings = settings;
    this.#remote = createRemoteJWKSet(new URL(settings.url), {
      cacheMaxAge: Number.POSITIVE_INFINITY,
      cooldownDuration: cooldownMs,
      timeoutDuration: timeoutMs,
    });
  }

  /** @throws OutriggerError `OTR_OPTIONS_INVALID` when there are no keys. */
  async load(): Promise<void> {
    try {
      await this.#remote.reload();
      this.#fetchedAt = this.#settings.now();
    } catch (cause) {
      const { url } = this.#settings;
      throw new OutriggerError(`failed to fetch JWKS: ${url}: ${errorText(cause)}`, {
        code: "OTR_OPTIONS_INVALID",
        cause,
      });
    }
  }

  /** The key that signed a token. @throws errors of jose, and of the fetch. */
  readonly find: JWTVerifyGetKey = (header, token) => {
    const { now, refreshAfterMs } = this.#settings;
    if (now() - this.#fetchedAt >= refreshAfterMs && !this.#fetching) void this.#refresh();
    return this.#remote(header, token);
  };

  async #refresh(): Promise<void> {
    const { log, now, url } = this.#settings;
    this.#fetching = true;
    try {
      await this.#remote.reload();
      if (this.#isAway) log.log("info", `middleware-bearer: the keys of ${url} are fresh again`);
      this.#isAway = false;
    } catch (reason) {
      // Once for each outage: it is tried again with every round.
      const text = `middleware-bearer: fetching ${url} failed, known keys stay in use: ${errorText(reason)}`;
      if (!this.#isAway) log.log("warn", text);
      this.#isAway = true;
    } finally {
      this.#fetching = false;
      this.#fetchedAt = now();
    }
  }
}
