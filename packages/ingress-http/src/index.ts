export type { ApiCall } from "./api-log.ts";
export type { HttpMiddleware } from "./http-middleware.ts";
export { ingressHttp } from "./ingress-http.ts";
export type { RequestListener } from "./measure.ts";
export type { IngressHttpOptions, RouteGroup } from "./options.ts";
