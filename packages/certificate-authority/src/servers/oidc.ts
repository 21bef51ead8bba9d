import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";

/** What discovery tells. */
export interface OidcSettings {
  /** `iss` of the tokens; absent means the address that was asked. */
  readonly issuer?: string | undefined;
  /** Where clients find the key set; absent means here. */
  readonly jwksUri?: string | undefined;
  /** Path before the two routes, for example `/dapr`. */
  readonly pathPrefix?: string | undefined;
  /** Hosts that may be asked for; none means any. */
  readonly allowedHosts?: readonly string[] | undefined;
}

/** What is published now. */
export interface PublishedKeys {
  readonly jwks: string;
  readonly algorithm: string;
}

const claims: readonly string[] = ["sub", "iss", "aud", "exp", "iat", "nbf", "use"];

/**
 * OpenID Connect discovery and the key set (Dapr `pkg/sentry/server/oidc`).
 * @param secure whether the server speaks TLS.
 */
export function oidcHandler(
  settings: OidcSettings,
  keys: () => PublishedKeys | undefined,
  secure: boolean,
): RequestListener {
  const prefix = normalizePrefix(settings.pathPrefix ?? "");
  return (request, response) => {
    const path = (request.url ?? "").split("?", 1)[0];
    const isDiscovery = path === `${prefix}/.well-known/openid-configuration`;
    if (!isDiscovery && path !== `${prefix}/jwks.json`)
      return answer(response, 404, "404 page not found\n");
    if (!isAllowedHost(settings, request)) {
      return answer(response, 403, "Forbidden: unauthorized domain\n");
    }
    if (request.method !== "GET") return answer(response, 405, "Method not allowed\n");
    const published = keys();
    if (published === undefined) {
      const what = isDiscovery ? "OIDC configuration" : "JWKS";
      return answer(response, 404, `${what} not available\n`);
    }
    const body = isDiscovery
      ? discovery(settings, published.algorithm, baseUrl(settings, request, secure), prefix)
      : published.jwks;
    response.setHeader("content-type", "application/json");
    response.setHeader("cache-control", "public, max-age=3600");
    response.end(body);
  };
}

function answer(response: ServerResponse, status: number, text: string): void {
  response.statusCode = status;
  response.setHeader("content-type", "text/plain; charset=utf-8");
  response.setHeader("x-content-type-options", "nosniff");
  response.end(text);
}

function discovery(
  settings: OidcSettings,
  algorithm: string,
  address: string,
  prefix: string,
): string {
  const issuer = settings.issuer ?? address;
  return JSON.stringify({
    issuer,
    jwks_uri: settings.jwksUri ?? resolveAgainst(issuer, `${prefix}/jwks.json`),
    response_types_supported: ["id_token"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: [algorithm],
    scopes_supported: ["openid"],
    claims_supported: claims,
  });
}

function resolveAgainst(issuer: string, path: string): string {
  return URL.canParse(path, issuer) ? new URL(path, issuer).href : path;
}

function baseUrl(settings: OidcSettings, request: IncomingMessage, secure: boolean): string {
  const { host } = hostOf(settings, request);
  return `${secure ? "https" : "http"}://${host}`;
}

/** A forwarded host counts only when there is a list to hold it against: it is easily forged. */
function hostOf(
  { allowedHosts = [] }: OidcSettings,
  request: IncomingMessage,
): { host: string; checked: string } {
  const forwarded = request.headers["x-forwarded-host"];
  const host = request.headers.host ?? "";
  const checked = typeof forwarded === "string" && forwarded !== "" ? forwarded : host;
  const trusted = allowedHosts.length > 0 && !allowedHosts.includes("*");
  return { host: trusted ? checked : host, checked };
}

function isAllowedHost(settings: OidcSettings, request: IncomingMessage): boolean {
  const { allowedHosts = [] } = settings;
  if (allowedHosts.length === 0 || allowedHosts.includes("*")) return true;
  const { checked } = hostOf(settings, request);
  return allowedHosts.includes(checked) || allowedHosts.includes(checked.replace(/:\d+$/, ""));
}

function normalizePrefix(prefix: string): string {
  const trimmed = prefix.replace(/^\/+|\/+$/g, "");
  return trimmed === "" ? "" : `/${trimmed}`;
}
