import { compose, type HttpHandler, type Sidecar } from "@outrigger/core";
import { apiLog } from "./api-log.ts";
import { bodyLimit } from "./body-limit.ts";
import { cors } from "./cors.ts";
import type { HttpMiddleware, IngressSettings, RouteGroup } from "./options.ts";
import { createRouter, type Route } from "./router.ts";
import { healthRoutes } from "./routes/health.ts";
import { invokeHandler, invokeRouteName } from "./routes/invoke.ts";
import { metadataRoutes } from "./routes/metadata.ts";
import { shutdownRoute } from "./routes/shutdown.ts";

/** The API's handler, composed once: body limit, outer hooks, CORS, pipeline, API log, routes. */
export function apiPipeline(
  settings: IngressSettings,
  sidecar: Sidecar,
  now: () => number,
): HttpHandler {
  const routes = [...publicRoutes(settings, sidecar), ...shutdown(settings, sidecar)];
  const fallback = allowed(settings, "invoke", "v1.0/invoke/*")
    ? { handler: invokeHandler(sidecar), name: invokeRouteName }
    : undefined;
  const router = createRouter(routes, fallback);
  const chain: HttpMiddleware[] = [];
  if (settings.maxBodyBytes > 0) chain.push(bodyLimit(settings.maxBodyBytes));
  chain.push(...settings.outerMiddlewares);
  if (settings.allowedOrigins.length > 0) chain.push(cors(settings.allowedOrigins));
  chain.push(...settings.middlewares);
  if (settings.onApiCall !== undefined) chain.push(apiLog(settings.onApiCall, router, now));
  return compose(chain, router.handler);
}

/** The public server's handler: health and metadata, and nothing else. */
export function publicPipeline(settings: IngressSettings, sidecar: Sidecar): HttpHandler {
  const router = createRouter(publicRoutes(settings, sidecar), undefined);
  return compose(settings.outerMiddlewares, router.handler);
}

function publicRoutes(settings: IngressSettings, sidecar: Sidecar): readonly Route[] {
  const metadata = metadataRoutes(sidecar).filter((route) =>
    allowed(settings, "metadata", route.openEnd ? "v1.0/metadata/{key}" : "v1.0/metadata"),
  );
  return [...healthRoutes(sidecar), ...metadata];
}

function shutdown(settings: IngressSettings, sidecar: Sidecar): readonly Route[] {
  return allowed(settings, "shutdown", "v1.0/shutdown") ? [shutdownRoute(sidecar)] : [];
}

function allowed(settings: IngressSettings, group: RouteGroup, route: string): boolean {
  return settings.isAllowed?.(group, route) ?? true;
}
