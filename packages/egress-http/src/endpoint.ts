import type { SecureContext } from "node:tls";
import { ConcurrencyLimit, type InvokeRequest, type InvokeResponse } from "@outrigger/core";
import { type BaseUrl, parseBaseUrl } from "./base-url.ts";
import { deliver, type Route } from "./delivery.ts";
import { ExternalServer } from "./external-server.ts";
import type { EgressSettings, EndpointTls, HttpEndpoint } from "./options.ts";
import { fixedHeaders } from "./request-head.ts";
import { secureContextOf } from "./tls-material.ts";
import { UrlServers } from "./url-servers.ts";

/** A server with a name, and those that its redirects lead to. */
export class NamedEndpoint {
  readonly #route: Route;
  readonly #server: ExternalServer;
  readonly #elsewhere: UrlServers;

  /** @throws Error that says what is wrong with the document. */
  constructor(document: HttpEndpoint, settings: EgressSettings) {
    const base = parseBaseUrl(document.baseUrl);
    const secureContext = document.tls && secureContextOf(document.tls);
    this.#server = new ExternalServer({ base, secureContext, settings });
    this.#elsewhere = new UrlServers(settings, elsewhereContext(base, document.tls, secureContext));
    this.#route = {
      base,
      fixed: fixedHeaders(document.headers ?? []),
      limit: new ConcurrencyLimit(settings.maxConcurrency),
      traceContext: settings.traceContext,
      pipeline: settings.pipeline,
      followsRedirects: true,
      serverOf: (next) =>
        next.origin === base.origin ? this.#server : this.#elsewhere.serverOf(next),
    };
  }

  deliver(call: InvokeRequest): Promise<InvokeResponse> {
    return deliver(call, this.#route);
  }

  async close(): Promise<void> {
    await Promise.all([this.#server.close(), this.#elsewhere.close()]);
  }
}

/** Other hosts are verified as the endpoint is, but its own certificate is not shown to them. */
function elsewhereContext(
  home: BaseUrl,
  tls: EndpointTls | undefined,
  own: SecureContext | undefined,
): (base: BaseUrl) => SecureContext | undefined {
  const ca = tls?.ca;
  return ({ host }) => {
    if (host === home.host) return own;
    return ca === undefined ? undefined : secureContextOf({ ca });
  };
}
