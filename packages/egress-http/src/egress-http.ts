import {
  type ComponentContext,
  type ComponentFactory,
  ConcurrencyLimit,
  type ExternalTarget,
  type ExternalTargets,
  errorText,
  type InvokeRequest,
  type InvokeResponse,
  OutriggerError,
} from "@outrigger/core";
import { type BaseUrl, parseBaseUrl } from "./base-url.ts";
import { ExternalServer } from "./external-server.ts";
import {
  type EgressHttpOptions,
  type EgressSettings,
  type HttpEndpoint,
  parseEgressOptions,
} from "./options.ts";
import { type FixedHeaders, fixedHeaders } from "./request-head.ts";
import { secureContextOf } from "./tls-material.ts";
import { UrlServers } from "./url-servers.ts";

/** The way to HTTP servers outside the mesh: configured endpoints and URLs. */
export function egressHttp(options: EgressHttpOptions = {}): ComponentFactory<ExternalTargets> {
  const settings = parseEgressOptions(options);
  return (context) => new EgressHttp(settings, context);
}

/** An endpoint that works, or what is wrong with it. */
type Endpoint =
  | {
      readonly server: ExternalServer;
      readonly base: BaseUrl;
      readonly fixed: FixedHeaders;
      readonly limit: ConcurrencyLimit;
    }
  | { readonly problem: string };

const noHeaders: FixedHeaders = { list: [], lowerNames: new Set() };

class EgressHttp implements ExternalTargets {
  readonly name = "egress-http";
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #urls: UrlServers;
  readonly #urlLimit: ConcurrencyLimit;
  #stopped = false;

  constructor(settings: EgressSettings, { log }: ComponentContext) {
    this.#urls = new UrlServers(settings);
    this.#urlLimit = new ConcurrencyLimit(settings.maxConcurrency);
    for (const document of settings.endpoints) {
      const endpoint = openEndpoint(document, settings);
      this.#endpoints.set(document.name, endpoint);
      if ("problem" in endpoint) log.log("error", endpoint.problem);
    }
  }

  hasEndpoint(name: string): boolean {
    return this.#endpoints.has(name);
  }

  async deliver(call: InvokeRequest, target: ExternalTarget): Promise<InvokeResponse> {
    if (this.#stopped) throw new OutriggerError("the sidecar has stopped", { code: "OTR_STOPPED" });
    if (target.kind === "url") {
      const base = parseBaseUrl(target.url);
      return this.#urls.serverOf(base).deliver(call, base, noHeaders, this.#urlLimit);
    }
    const endpoint = this.#endpoints.get(target.name);
    if (endpoint === undefined) {
      throw new OutriggerError(`HTTPEndpoint ${target.name} is not known`, {
        code: "OTR_TARGET_INVALID",
      });
    }
    if ("problem" in endpoint) {
      throw new OutriggerError(endpoint.problem, { code: "OTR_EXTERNAL_FAILED" });
    }
    return endpoint.server.deliver(call, endpoint.base, endpoint.fixed, endpoint.limit);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    const endpoints = [...this.#endpoints.values()];
    const closing = endpoints.map((endpoint) =>
      "server" in endpoint ? endpoint.server.close() : undefined,
    );
    await Promise.all([...closing, this.#urls.close()]);
  }
}

/** What is wrong with one endpoint costs that endpoint alone: its calls tell, the others work. */
function openEndpoint(document: HttpEndpoint, settings: EgressSettings): Endpoint {
  try {
    if (document.problem !== undefined) throw new Error(document.problem);
    const base = parseBaseUrl(document.baseUrl);
    const fixed = fixedHeaders(document.headers ?? []);
    const secureContext = document.tls && secureContextOf(document.tls);
    const server = new ExternalServer({ base, secureContext, settings });
    return { server, base, fixed, limit: new ConcurrencyLimit(settings.maxConcurrency) };
  } catch (reason) {
    return { problem: `HTTPEndpoint ${document.name} is unusable: ${errorText(reason)}` };
  }
}
