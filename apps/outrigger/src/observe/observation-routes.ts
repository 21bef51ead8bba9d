import {
  cleanPath,
  emptyBody,
  type HttpRequest,
  type HttpResponse,
  headerValue,
  type Middleware,
} from "@outrigger/core";

/** What the routes tell. */
export interface ObservationSources {
  /** Body of `GET /outrigger/v1/call-graph`. */
  readonly graph: (history: boolean) => unknown;
  /** Body of `GET /outrigger/v1/sidecar`. */
  readonly sidecar: () => Promise<unknown>;
  /** True when a token protects the API: then the routes are there for other machines, too. */
  readonly hasToken: boolean;
}

const prefix = "/outrigger/v1/";

/**
 * The routes for people and consoles. They are outside everything that Dapr's API uses (`/v1.0...`,
 * `/v1.0-alpha1/...`), and a request that names a target app is an invocation, as it is on every
 * path without a route. Clients on other machines find no such route unless a token protects it.
 */
export function observationRoutes(
  sources: ObservationSources,
): Middleware<HttpRequest, HttpResponse> {
  return (next) => (request) => {
    if (!request.path.startsWith(prefix) || request.method !== "GET" || namesTarget(request)) {
      return next(request);
    }
    if (!sources.hasToken && !isLocal(request)) return next(request);
    switch (cleanPath(request.path)) {
      case `${prefix}call-graph`:
        return Promise.resolve(json(sources.graph(/(?:^|&)history=1(?:&|$)/.test(request.query))));
      case `${prefix}sidecar`:
        return sources.sidecar().then(json);
      default:
        return next(request);
    }
  };
}

function namesTarget({ headers }: HttpRequest): boolean {
  if (headerValue(headers, "dapr-app-id")) return true;
  return headerValue(headers, "authorization")?.startsWith("Basic ") === true;
}

/**
 * Clients on this machine that mean this machine: a page of some website whose name was made to lead
 * here (DNS rebinding) sends that name.
 */
function isLocal({ headers, remoteAddress }: HttpRequest): boolean {
  if (remoteAddress !== undefined && !/^(?:::ffff:)?127\.|^::1$/.test(remoteAddress)) return false;
  const host = headerValue(headers, "host") ?? headerValue(headers, ":authority") ?? "";
  return host === "" || /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i.test(host);
}

function json(value: unknown): HttpResponse {
  if (value === undefined) return { status: 503, headers: [], body: emptyBody };
  return {
    status: 200,
    headers: ["Content-Type", "application/json", "Cache-Control", "no-store"],
    body: Buffer.from(JSON.stringify(value)),
  };
}
