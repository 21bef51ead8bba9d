import { randomUUID } from "node:crypto";
import type { HttpRequest } from "@outrigger/core";
import { calculatePKCECodeChallenge, generateRandomCodeVerifier } from "oauth4webapi";
import { ExpiringMap } from "./expiring-map.ts";
import type { OAuth2Settings } from "./options.ts";

/** A login that somebody has begun. */
export interface PendingLogin {
  /** RFC 7636: whoever has got hold of the code alone cannot redeem it. */
  readonly verifier: string;
  /** Path and query to go on with. */
  readonly returnTo: string;
}

/** What became of an answer of the provider: `none` when this browser has no login under way. */
export type FoundLogin = PendingLogin | "none" | "unknown-state";

/** How long people may take to log in. */
const idleMs = 900_000;
const maxBrowsers = 10_000;
/** A browser may have begun several, in tabs. */
const maxPerBrowser = 16;
const maxReturnLength = 2_048;

/** The logins under way, by browser and state (RFC 6749 section 10.12). */
export class Logins {
  readonly #settings: OAuth2Settings;
  readonly #browsers: ExpiringMap<Map<string, PendingLogin>>;

  constructor(settings: OAuth2Settings, now: () => number) {
    this.#settings = settings;
    this.#browsers = new ExpiringMap({ idleMs, maxEntries: maxBrowsers, now });
  }

  has(browser: string): boolean {
    return this.#browsers.get(browser) !== undefined;
  }

  /** Begins a login. @returns the URL of the provider's page. */
  async begin(browser: string, request: HttpRequest): Promise<string> {
    const verifier = generateRandomCodeVerifier();
    const challenge = await calculatePKCECodeChallenge(verifier);
    const state = randomUUID();
    const pending = this.#browsers.get(browser) ?? new Map<string, PendingLogin>();
    for (const oldest of pending.keys()) {
      if (pending.size < maxPerBrowser) break;
      pending.delete(oldest);
    }
    pending.set(state, { verifier, returnTo: returnPath(request) });
    this.#browsers.set(browser, pending);
    return this.#pageUrl(state, challenge);
  }

  /** Finds a login by the state that came back, once. */
  take(browser: string | undefined, state: string): FoundLogin {
    const pending = browser === undefined ? undefined : this.#browsers.get(browser);
    if (pending === undefined) return "none";
    const login = pending.get(state);
    pending.delete(state);
    return login ?? "unknown-state";
  }

  forget(browser: string): void {
    this.#browsers.delete(browser);
  }

  #pageUrl(state: string, challenge: string): string {
    const { authUrl, clientId, redirectUrl, scopes } = this.#settings;
    const url = new URL(authUrl);
    const scope = scopes.filter((part) => part !== "").join(" ");
    const parameters = {
      access_type: "offline",
      client_id: clientId,
      code_challenge: challenge,
      code_challenge_method: "S256",
      response_type: "code",
      state,
      ...(redirectUrl === undefined ? {} : { redirect_uri: redirectUrl }),
      ...(scope === "" ? {} : { scope }),
    };
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    return url.href;
  }
}

/** A path with two slashes at its start would lead to another host. */
function returnPath({ originalPath, path, query }: HttpRequest): string {
  const local = `/${(originalPath ?? path).replace(/^[/\\]+/, "")}`;
  const whole = query === "" ? local : `${local}?${query}`;
  return whole.length > maxReturnLength ? "/" : whole;
}
