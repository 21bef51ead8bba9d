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
import { parseBaseUrl } from "./base-url.ts";
import { deliver, type Route } from "./delivery.ts";
import { NamedEndpoint } from "./endpoint.ts";
import {
  type EgressHttpOptions,
  type EgressSettings,
  type HttpEndpoint,
  parseEgressOptions,
} from "./options.ts";
import { UrlServers } from "./url-servers.ts";

/** The way to HTTP servers outside the mesh: configured endpoints and URLs. */
export function egressHttp(options: EgressHttpOptions = {}): ComponentFactory<ExternalTargets> {
  const settings = parseEgressOptions(options);
  return (context) => new EgressHttp(settings, context);
}

class EgressHttp implements ExternalTargets {
  readonly name = "egress-http";
  /** An endpoint that works, or the text that says what is wrong with it. */
  readonly #endpoints = new Map<string, NamedEndpoint | string>();
  readonly #baseUrls = new Map<string, string>();
  readonly #urls: UrlServers;
  readonly #urlRoute: Omit<Route, "base">;
  #stopped = false;

  constructor(settings: EgressSettings, { log }: ComponentContext) {
    this.#urls = new UrlServers(settings, () => undefined);
    this.#urlRoute = {
      fixed: { list: [], lowerNames: new Set() },
      limit: new ConcurrencyLimit(settings.maxConcurrency),
      traceContext: settings.traceContext,
      pipeline: settings.pipeline,
      followsRedirects: false,
      serverOf: (base) => this.#urls.serverOf(base),
    };
    for (const document of settings.endpoints) {
      const endpoint = openEndpoint(document, settings);
      this.#endpoints.set(document.name, endpoint);
      this.#baseUrls.set(document.name, document.baseUrl);
      if (typeof endpoint === "string") log.log("error", endpoint);
    }
  }

  hasEndpoint(name: string): boolean {
    return this.#endpoints.has(name);
  }

  baseUrl(name: string): string | undefined {
    return this.#baseUrls.get(name);
  }

  async deliver(call: InvokeRequest, target: ExternalTarget): Promise<InvokeResponse> {
    if (this.#stopped) throw new OutriggerError("the sidecar has stopped", { code: "OTR_STOPPED" });
    if (target.kind === "url") {
      return deliver(call, { ...this.#urlRoute, base: parseBaseUrl(target.url) });
    }
    const endpoint = this.#endpoints.get(target.name);
    if (endpoint === undefined) {
      throw new OutriggerError(`HTTPEndpoint ${target.name} is not known`, {
        code: "OTR_TARGET_INVALID",
      });
    }
    if (typeof endpoint === "string") {
      throw new OutriggerError(endpoint, { code: "OTR_EXTERNAL_FAILED" });
    }
    return endpoint.deliver(call);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    const endpoints = [...this.#endpoints.values()];
    const closing = endpoints.map((endpoint) =>
      typeof endpoint === "string" ? undefined : endpoint.close(),
    );
    await Promise.all([...closing, this.#urls.close()]);
  }
}

/** What is wrong with one endpoint costs that endpoint alone: its calls tell, the others work. */
function openEndpoint(document: HttpEndpoint, settings: EgressSettings): NamedEndpoint | string {
  try {
    if (document.problem !== undefined) throw new Error(document.problem);
    return new NamedEndpoint(document, settings);
  } catch (reason) {
    return `HTTPEndpoint ${document.name} is unusable: ${errorText(reason)}`;
  }
}
