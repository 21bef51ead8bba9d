import { OutriggerError } from "@outrigger/core";
import {
  allowInsecureRequests,
  type ClientAuth,
  ClientSecretBasic,
  ClientSecretPost,
  clientCredentialsGrantRequest,
  customFetch,
  processClientCredentialsResponse,
  ResponseBodyError,
  WWWAuthenticateChallengeError,
} from "oauth4webapi";
import { boundedFetch } from "./bounded-fetch.ts";
import type { ClientCredentialsSettings } from "./options.ts";

/** A token as the provider issued it. */
export interface IssuedToken {
  /** Scheme and token, as a header has them. */
  readonly header: string;
  /** `undefined` when the provider does not tell. */
  readonly lifetimeMs: number | undefined;
}

/** Asks a provider for tokens (RFC 6749 section 4.4). */
export class TokenEndpoint {
  readonly #settings: ClientCredentialsSettings;
  /** The ways to authenticate that are left to try; the one that worked stays. */
  #ways: readonly ClientAuth[];

  constructor(settings: ClientCredentialsSettings) {
    const { authStyle, clientSecret } = settings;
    this.#settings = settings;
    const header = authStyle === "params" ? [] : [ClientSecretBasic(clientSecret)];
    const params = authStyle === "header" ? [] : [ClientSecretPost(clientSecret)];
    this.#ways = [...header, ...params];
  }

  /** @throws OutriggerError that says why there is none; it holds no secret. */
  async fetch(signal: AbortSignal): Promise<IssuedToken> {
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(this.#settings.timeoutMs)]);
    let failure: unknown;
    for (const way of this.#ways) {
      try {
        const token = await this.#request(way, bounded);
        this.#ways = [way];
        return token;
      } catch (reason) {
        failure = reason;
        if (!isRefusal(reason)) break;
      }
    }
    throw new OutriggerError(failureText(failure), { code: "OTR_EXTERNAL_FAILED", cause: failure });
  }

  async #request(way: ClientAuth, signal: AbortSignal): Promise<IssuedToken> {
    const { clientId, tokenUrl } = this.#settings;
    // The provider is known by its one endpoint: what would be compared with its name is not used.
    const provider = { issuer: tokenUrl, token_endpoint: tokenUrl };
    const client = { client_id: clientId };
    const response = await clientCredentialsGrantRequest(
      provider,
      client,
      way,
      this.#parameters(),
      {
        signal,
        [allowInsecureRequests]: true,
        [customFetch]: boundedFetch,
      },
    );
    const token = await processClientCredentialsResponse(provider, client, response);
    const { access_token: text, expires_in: seconds } = token;
    return {
      header: `Bearer ${text}`,
      lifetimeMs: seconds === undefined ? undefined : seconds * 1_000,
    };
  }

  #parameters(): URLSearchParams {
    const { endpointParams, scopes } = this.#settings;
    const parameters = new URLSearchParams();
    for (const [name, values] of Object.entries(endpointParams)) {
      for (const value of typeof values === "string" ? [values] : values) {
        parameters.append(name, value);
      }
    }
    const scope = scopes.filter((part) => part !== "").join(" ");
    if (scope !== "") parameters.set("scope", scope);
    return parameters;
  }
}

/** Whether the provider may have refused the way to authenticate, so that another may do. */
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
  if (cause instanceof Response)
    return `the provider answered ${cause.status} without an error code`;
  return cause instanceof Error ? `${reason.message}: ${cause.message}` : reason.message;
}
