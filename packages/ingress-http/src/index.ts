export type { ApiCall } from "./api-log.ts";
export { ingressHttp } from "./ingress-http.ts";
export type { HttpMiddleware, IngressHttpOptions, RouteGroup } from "./options.ts";
