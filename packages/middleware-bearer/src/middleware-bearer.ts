import {
  type ComponentFactory,
  type ComponentMetadata,
  type HttpHandler,
  type HttpMiddlewareComponent,
  type HttpRequest,
  type HttpResponse,
  headerValue,
  type Logger,
  metadataValue,
  OutriggerError,
  parseOptions,
  plainAnswer,
} from "@outrigger/core";
import { checkToken } from "./check-token.ts";
import { findKeySet } from "./discovery.ts";
import { IssuerKeys } from "./issuer-keys.ts";
import { type BearerSettings, type MiddlewareBearerOptions, schema } from "./options.ts";

export type { MiddlewareBearerOptions } from "./options.ts";

/** Lets only requests pass that carry a valid token of an OpenID Connect issuer. */
export function middlewareBearer(
  options: MiddlewareBearerOptions,
): ComponentFactory<HttpMiddlewareComponent> {
  const settings = parseOptions("middleware-bearer", schema, options);
  return ({ log, now }) => new MiddlewareBearer(settings, log, now);
}

class MiddlewareBearer implements HttpMiddlewareComponent {
  readonly name = "middleware-bearer";
  readonly #settings: BearerSettings;
  readonly #log: Logger;
  readonly #now: () => number;
  #keys: IssuerKeys | undefined;

  constructor(settings: BearerSettings, log: Logger, now: () => number) {
    this.#settings = settings;
    this.#log = log;
    this.#now = now;
  }

  /** Fetches the issuer's keys; a guard that has none must not start. */
  async start(signal: AbortSignal): Promise<void> {
    if (this.#keys !== undefined) return;
    const { issuer, jwksUrl, refreshAfterMs } = this.#settings;
    const url = jwksUrl ?? (await findKeySet(issuer, signal));
    const keys = new IssuerKeys({ url, refreshAfterMs, log: this.#log, now: this.#now });
    await keys.load();
    this.#keys = keys;
  }

  async handle(request: HttpRequest, next: HttpHandler): Promise<HttpResponse> {
    if (this.#keys === undefined) return unavailable;
    const token = bearerToken(headerValue(request.headers, "authorization"));
    if (token === undefined) return unauthorized;
    switch (await checkToken(token, this.#keys, this.#settings)) {
      case "valid":
        return next(request);
      case "invalid":
        return unauthorized;
      case "unknown":
        return unavailable;
    }
  }
}

const unauthorized = plainAnswer(401, "Unauthorized");
const unavailable = plainAnswer(500, "Internal Server Error");

/** Shorter ones are none, as in Dapr. */
const minTokenLength = 10;

function bearerToken(authorization: string | undefined): string | undefined {
  const token = /^bearer (.+)$/i.exec(authorization ?? "")?.[1];
  return token !== undefined && token.length >= minTokenLength ? token : undefined;
}

/**
 * Reads the settings as Dapr does.
 * @throws OutriggerError `OTR_OPTIONS_INVALID` when one is missing.
 */
export function bearerOptionsFromDapr(metadata: ComponentMetadata): MiddlewareBearerOptions {
  const issuer = metadataValue(metadata, "issuer", "issuerURL");
  const audience = metadataValue(metadata, "audience", "clientID");
  const jwksUrl = metadataValue(metadata, "jwksURL");
  if (!issuer) throw missing("issuer");
  if (!audience) throw missing("audience");
  return { issuer, audience, ...(jwksUrl ? { jwksUrl } : {}) };
}

function missing(property: string): OutriggerError {
  return new OutriggerError(`metadata property '${property}' is required`, {
    code: "OTR_OPTIONS_INVALID",
  });
}
