/** Answers a request. */
export type Handler<Req, Res> = (request: Req) => Promise<Res>;

/** Wraps a handler. The first in a list is the outermost. */
export type Middleware<Req, Res> = (next: Handler<Req, Res>) => Handler<Req, Res>;

/** Composes once, at start: no closure is made per request. */
export function compose<Req, Res>(
  middlewares: readonly Middleware<Req, Res>[],
  handler: Handler<Req, Res>,
): Handler<Req, Res> {
  return middlewares.reduceRight((next, middleware) => middleware(next), handler);
}
