import type { HttpRequest, HttpResponse, Middleware } from "@outrigger/core";

/** A stage around the routes. The first of a list is the outermost. */
export type HttpMiddleware = Middleware<HttpRequest, HttpResponse>;
