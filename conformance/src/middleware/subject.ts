import type { ComponentContext, HttpMiddlewareComponent, HttpRequest } from "@outrigger/core";

/** The fields of a request that a middleware may look at, beside its body. */
export type RequestFields = Pick<HttpRequest, "method" | "path" | "query" | "headers">;

/** A middleware under test. */
export interface MiddlewareSubject {
  /** Makes one that lets `passing` through; not started. Called several times in some cases. */
  readonly create: (context: ComponentContext) => HttpMiddlewareComponent;
  /** A request that it lets through. What is left out: `POST /orders?page=1` without headers. */
  readonly passing?: Partial<RequestFields>;
  /** What it does to requests and answers that pass. Default: nothing but adding headers. */
  readonly changes?: MiddlewareChanges;
  /** Leave it out when it never answers itself. */
  readonly answering?: AnsweringMiddleware;
  /** Each calls the factory with malformed options; expected to throw. */
  readonly malformedOptions?: readonly (() => unknown)[];
  /**
   * Most bytes of a stream that it holds while nobody reads on. Default 262144, which leaves room
   * for a few chunks and none for whole bodies.
   */
  readonly bufferedBytes?: number;
}

/** Changes on purpose. */
export interface MiddlewareChanges {
  /** The fields that arrive behind it. Headers that are in neither may be added all the same. */
  readonly request?: (request: RequestFields) => RequestFields;
  /** The body that arrives behind it, of the one that came. */
  readonly requestBody?: (bytes: Uint8Array) => Uint8Array;
  /** The body that the client gets, of the one that was answered. */
  readonly answerBody?: (bytes: Uint8Array) => Uint8Array;
}

/** A middleware in a state in which it does not pass a request on. */
export interface AnsweringMiddleware {
  /** Makes one that answers `request` itself; not started. */
  readonly create: (
    context: ComponentContext,
  ) => Promise<HttpMiddlewareComponent> | HttpMiddlewareComponent;
  /** Default: the request that passes elsewhere. */
  readonly request?: Partial<RequestFields>;
  /** The status that it answers with. */
  readonly status: number;
}
