import type { MiddlewareSubject } from "@outrigger/conformance";
import {
  type ComponentContext,
  type HttpHandler,
  type HttpMiddlewareComponent,
  type HttpRequest,
  type HttpResponse,
  OutriggerError,
} from "@outrigger/core";

/** A middleware that does everything right: one path is closed, all else passes. */
export function guard(closed: string): (context: ComponentContext) => HttpMiddlewareComponent {
  if (closed === "") throw new OutriggerError("no path", { code: "OTR_OPTIONS_INVALID" });
  return () => ({
    name: "guard",
    handle: async (request, next) => (request.path === closed ? refusal() : next(request)),
  });
}

function refusal(): HttpResponse {
  return { status: 403, headers: [], body: new TextEncoder().encode("closed") };
}

/** The guard as the suite sees it. */
export function guardSubject(): MiddlewareSubject {
  const create = guard("/closed");
  return {
    create,
    answering: { create, request: { path: "/closed" }, status: 403 },
    malformedOptions: [() => guard("")],
  };
}

/** A broken copy of a subject. */
export type Fault = (subject: MiddlewareSubject) => Partial<MiddlewareSubject>;

/** Changes methods of the middleware that lets requests pass. */
export function passing(
  change: (inner: HttpMiddlewareComponent) => Partial<HttpMiddlewareComponent>,
): Fault {
  return ({ create }) => ({ create: (context) => changed(create(context), change) });
}

/** Changes methods of the middleware that answers itself. */
export function answering(
  change: (inner: HttpMiddlewareComponent) => Partial<HttpMiddlewareComponent>,
): Fault {
  return ({ answering: right }) =>
    right === undefined
      ? {}
      : {
          answering: {
            ...right,
            create: async (context) => changed(await right.create(context), change),
          },
        };
}

function changed(
  inner: HttpMiddlewareComponent,
  change: (inner: HttpMiddlewareComponent) => Partial<HttpMiddlewareComponent>,
): HttpMiddlewareComponent {
  return {
    name: inner.name,
    start: async (signal) => inner.start?.(signal),
    stop: async () => inner.stop?.(),
    handle: (request, next) => inner.handle(request, next),
    ...change(inner),
  };
}

/** Handles requests otherwise. */
export function handling(
  handle: (request: HttpRequest, next: HttpHandler) => Promise<HttpResponse>,
): Fault {
  return passing(() => ({ handle }));
}

/** Passes on another request. */
export function requests(change: (request: HttpRequest) => Partial<HttpRequest>): Fault {
  return handling((request, next) => next({ ...request, ...change(request) }));
}

/** Passes on another answer. */
export function answers(
  change: (
    response: HttpResponse,
    request: HttpRequest,
  ) => Partial<HttpResponse> | Promise<Partial<HttpResponse>>,
): Fault {
  return handling(async (request, next) => {
    const response = await next(request);
    return { ...response, ...(await change(response, request)) };
  });
}
