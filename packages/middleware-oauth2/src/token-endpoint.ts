import { OutriggerError } from "@outrigger/core";
import {
  allowInsecureRequests,
  type ClientAuth,
  ClientSecretBasic,
  ClientSecretPost,
  customFetch,
  genericTokenEndpointRequest,
  None,
  processGenericTokenEndpointResponse,
  ResponseBodyError,
  WWWAuthenticateChallengeError,
} from "oauth4webapi";
import { fetchTokens } from "./bounded-fetch.ts";
import type { OAuth2Settings } from "./options.ts";

/** Tokens as the provider issued them. */
export interface IssuedTokens {
  /** Scheme and token, as a header has them. */
  readonly header: string;
  /** `undefined` when the provider does not tell. */
  readonly lifetimeMs: number | undefined;
  readonly refreshToken: string | undefined;
}

/** Why there are no tokens. The text holds no secret. */
export class TokenFailure extends OutriggerError {
  /** The provider has answered, and does not want to; otherwise another try may do. */
  readonly refused: boolean;

  constructor(reason: unknown) {
    super(failureText(reason), { code: "OTR_EXTERNAL_FAILED", cause: reason });
    this.refused = isRefusal(reason);
  }
}

/** Asks a provider for tokens (RFC 6749 sections 4.1.3 and 6). */
export class TokenEndpoint {
  readonly #settings: OAuth2Settings;
  /** The ways to authenticate that are left to try, as Dapr tries them; the one that worked stays. */
  #ways: readonly ClientAuth[];

  constructor(settings: OAuth2Settings) {
    const { clientSecret: secret } = settings;
    this.#settings = settings;
    this.#ways =
      secret === undefined ? [None()] : [ClientSecretBasic(secret), ClientSecretPost(secret)];
  }

  /** @throws TokenFailure */
  redeem(code: string, verifier: string): Promise<IssuedTokens> {
    const { redirectUrl } = this.#settings;
    return this.#ask("authorization_code", {
      code,
      code_verifier: verifier,
      ...(redirectUrl === undefined ? {} : { redirect_uri: redirectUrl }),
    });
  }

  /** @throws TokenFailure */
  refresh(refreshToken: string): Promise<IssuedTokens> {
    return this.#ask("refresh_token", { refresh_token: refreshToken });
  }

  async #ask(grant: string, parameters: Readonly<Record<string, string>>): Promise<IssuedTokens> {
    const signal = AbortSignal.timeout(this.#settings.timeoutMs);
    let failure: unknown;
    for (const way of this.#ways) {
      try {
        const tokens = await this.#request(way, grant, parameters, signal);
        this.#ways = [way];
        return tokens;
      } catch (reason) {
        failure = reason;
        if (!isRefusal(reason)) break;
      }
    }
    throw new TokenFailure(failure);
  }

  async #request(
    way: ClientAuth,
    grant: string,
    parameters: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<IssuedTokens> {
    const { clientId, tokenUrl } = this.#settings;
    // The provider is known by its one endpoint: what would be compared with its name is not used.
    const provider = { issuer: tokenUrl, token_endpoint: tokenUrl };
    const client = { client_id: clientId };
    const options = { signal, [allowInsecureRequests]: true, [customFetch]: fetchTokens };
    const response = await genericTokenEndpointRequest(
      provider,
      client,
      way,
      grant,
      { ...parameters },
      options,
    );
    const answer = await processGenericTokenEndpointResponse(provider, client, response);
    const { access_token: text, expires_in: seconds, refresh_token: refreshToken } = answer;
    return {
      header: `Bearer ${text}`,
      lifetimeMs: seconds === undefined ? undefined : seconds * 1_000,
      refreshToken,
    };
  }
}

function isRefusal(reason: unknown): boolean {
  if (reason instanceof WWWAuthenticateChallengeError) return true;
  return reason instanceof ResponseBodyError && reason.status < 500;
}

/** The provider's words are quoted and cut: they go to the log. */
function failureText(reason: unknown): string {
  if (reason instanceof ResponseBodyError) {
    const { status, error, error_description: description = "" } = reason;
    const words = JSON.stringify(`${error}: ${description}`.slice(0, 200));
    return `the provider answered ${status} ${words}`;
  }
  if (reason instanceof WWWAuthenticateChallengeError) {
    return `the provider answered ${reason.status} and does not accept the client's credentials`;
  }
  if (!(reason instanceof Error)) return String(reason);
  const { cause } = reason;
  if (cause instanceof Response) {
    return `the provider answered ${cause.status} without an error code`;
  }
  return cause instanceof Error ? `${reason.message}: ${cause.message}` : reason.message;
}
