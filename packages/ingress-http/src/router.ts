import {
  cleanPath,
  emptyBody,
  type HttpHandler,
  type HttpRequest,
  type HttpResponse,
  type Sidecar,
} from "@outrigger/core";
import { notFound } from "./answers.ts";
import { findCallTarget } from "./call-target.ts";
import { countErrorCodes } from "./count-error-codes.ts";
import { unescapeBytes } from "./escapes.ts";
import {
  healthRoute,
  metadataRoute,
  outboundHealthRoute,
  setMetadataRoute,
  shutdownRoute,
} from "./fixed-routes.ts";
import { invokeRoute, noTarget } from "./invoke-route.ts";
import type { IngressSettings } from "./options.ts";

/** A route of the API, by exact method and cleaned path. */
interface Route {
  readonly method: string;
  /** The last segment of a path that ends in `/*` is a parameter. */
  readonly path: string;
  readonly handle: (
    request: HttpRequest,
    parameter: string,
  ) => HttpResponse | Promise<HttpResponse>;
}

/** Which routes a server has. */
export interface RouterParts {
  readonly sidecar: Sidecar;
  readonly settings: Pick<IngressSettings, "isAllowed" | "maxBodyBytes" | "onErrorCode">;
  /** The public server has neither shutdown nor invocation. */
  readonly isPublic: boolean;
}

const metadataKeyPrefix = "/v1.0/metadata/";

/**
 * Routes by method and path alone, never by headers. What no route takes is an invocation, unless
 * that is not allowed.
 */
export function createRouter(parts: RouterParts): HttpHandler {
  const { onErrorCode } = parts.settings;
  const handler = createBareRouter(parts);
  return onErrorCode === undefined ? handler : countErrorCodes(handler, onErrorCode);
}

function createBareRouter(parts: RouterParts): HttpHandler {
  const { sidecar, settings, isPublic } = parts;
  const routes = listRoutes(parts);
  const invokes = !isPublic && settings.isAllowed("invoke", "v1.0/invoke/*");
  return async (request) => {
    // Calls are the common case and their prefix is no fixed route's, unless dots lead out of it.
    const path = request.originalPath ?? request.path;
    if (!path.startsWith("/v1.0/invoke/") || path.includes("/..")) {
      const found = findRoute(routes, request);
      if (found !== undefined) return found.route.handle(request, found.parameter);
      if (!invokes) return noRoute(routes, request);
    } else if (!invokes) return noRoute(routes, request);
    const target = findCallTarget(unescapeBytes(request.path), request.headers);
    return target === undefined ? noTarget : invokeRoute(sidecar, request, target);
  };
}

function listRoutes({ sidecar, settings, isPublic }: RouterParts): readonly Route[] {
  const { isAllowed, maxBodyBytes } = settings;
  const routes: Route[] = [
    { method: "GET", path: "/v1.0/healthz", handle: (request) => healthRoute(sidecar, request) },
    { method: "GET", path: "/v1.0/healthz/outbound", handle: () => outboundHealthRoute(sidecar) },
  ];
  if (isAllowed("metadata", "v1.0/metadata")) {
    routes.push({ method: "GET", path: "/v1.0/metadata", handle: () => metadataRoute(sidecar) });
  }
  if (isAllowed("metadata", "v1.0/metadata/{key}")) {
    routes.push({
      method: "PUT",
      path: `${metadataKeyPrefix}*`,
      handle: (request, key) => setMetadataRoute(sidecar, request, key, maxBodyBytes),
    });
  }
  if (!isPublic && isAllowed("shutdown", "v1.0/shutdown")) {
    routes.push({
      method: "POST",
      path: "/v1.0/shutdown",
      handle: (request) => shutdownRoute(sidecar, request),
    });
  }
  return routes;
}

function findRoute(
  routes: readonly Route[],
  request: HttpRequest,
): { readonly route: Route; readonly parameter: string } | undefined {
  const { pattern, parameter } = routePattern(request);
  const route = routes.find(({ method, path }) => path === pattern && method === request.method);
  return route && { route, parameter };
}

function routePattern(request: HttpRequest): { pattern: string; parameter: string } {
  const path = cleanPath(request.originalPath ?? request.path);
  if (path.startsWith(metadataKeyPrefix)) {
    const parameter = path.slice(metadataKeyPrefix.length);
    if (!parameter.includes("/")) return { pattern: `${metadataKeyPrefix}*`, parameter };
  }
  return { pattern: path, parameter: "" };
}

/** Without the invocation as a last resort, a known path with a wrong method is 405. */
function noRoute(routes: readonly Route[], request: HttpRequest): HttpResponse {
  const { pattern } = routePattern(request);
  const methods = routes.filter(({ path }) => path === pattern).map(({ method }) => method);
  if (methods.length === 0) return notFound;
  return {
    status: 405,
    headers: methods.flatMap((method) => ["Allow", method]),
    body: emptyBody,
  };
}
