import { type HttpPipeline, parseOptions, type StandardSchema } from "@outrigger/core";
import * as v from "valibot";
import type { ApiCall } from "./api-log.ts";
import type { HttpMiddleware } from "./http-middleware.ts";
import type { RequestListener } from "./measure.ts";

/** Groups of routes that Dapr's `spec.api` lists allow or deny. */
export type RouteGroup = "invoke" | "metadata" | "shutdown";

/** Options of `ingressHttp`. */
export interface IngressHttpOptions {
  /** Addresses to listen on; "" stands for all. Default [""]. Ones that fail are left out. */
  readonly hosts?: readonly string[];
  /** Port of the API; 0 picks a free one. Default 3500. */
  readonly port?: number;
  /** Port of the public server, which has only the health and metadata routes. Default none. */
  readonly publicPort?: number;
  /** Address of the public server. Default "": all. */
  readonly publicHost?: string;
  /** Path of a unix socket that takes the place of the API's ports. Default none. */
  readonly unixSocketPath?: string;
  /** Largest request body, in bytes; 0 = unlimited. Default 4 MiB. */
  readonly maxBodyBytes?: number;
  /** Largest request head less 4096, in bytes; beyond it the answer is 431. Default 4096. */
  readonly maxHeaderBytes?: number;
  /** Bound on receiving a request's head, in milliseconds. Default 10000. */
  readonly headersTimeoutMs?: number;
  /** Connections without a request are closed after this, in milliseconds. Default 180000. */
  readonly idleTimeoutMs?: number;
  /** Bound on the arrival of a body that is read into memory, in milliseconds; then 408. Default 60000. */
  readonly inlineBodyTimeoutMs?: number;
  /** Bodies of known length up to this are read into memory; others stream. Default 256 KiB. */
  readonly inlineBodyBytes?: number;
  /** How long a taken port is tried again, in milliseconds. Default 10000. */
  readonly bindRetryMs?: number;
  /** Origins that browsers may call from: exact, with one `*`, or `*`. Default none: no CORS at all. */
  readonly allowedOrigins?: readonly string[];
  /** Serve HTTP/1.1 only. Default false: HTTP/2 with prior knowledge as well. */
  readonly disableHttp2?: boolean;
  /** Give every request a trace context, and every answer its `traceparent`. Default true. */
  readonly traceContext?: boolean;
  /** Which routes exist. Default: all. */
  readonly isAllowed?: (group: RouteGroup, route: string) => boolean;
  /** Stages before CORS, for example tracing and metrics. */
  readonly outerMiddlewares?: readonly HttpMiddleware[];
  /** Stages between CORS and the pipeline, for example a token check. Not on the public server. */
  readonly guards?: readonly HttpMiddleware[];
  /** The user's handlers, between the guards and the log of calls. Not on the public server. Default none. */
  readonly pipeline?: HttpPipeline;
  /** Called once for each request of the API when its answer has ended. */
  readonly onApiCall?: (call: ApiCall) => void;
  /** Called once for each request of the API and of the public server: for metrics. Default none. */
  readonly onRequest?: RequestListener;
  /** Called with the code of each answer that is an error of Dapr's. Default none. */
  readonly onErrorCode?: (code: string) => void;
}

/** Options with their defaults. */
export interface IngressSettings {
  readonly hosts: readonly string[];
  readonly port: number;
  readonly publicPort?: number | undefined;
  readonly publicHost: string;
  readonly unixSocketPath?: string | undefined;
  readonly maxBodyBytes: number;
  readonly maxHeaderBytes: number;
  readonly headersTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly inlineBodyTimeoutMs: number;
  readonly inlineBodyBytes: number;
  readonly bindRetryMs: number;
  readonly allowedOrigins: readonly string[];
  readonly disableHttp2: boolean;
  readonly traceContext: boolean;
  readonly isAllowed: (group: RouteGroup, route: string) => boolean;
  readonly outerMiddlewares: readonly HttpMiddleware[];
  readonly guards: readonly HttpMiddleware[];
  readonly pipeline?: HttpPipeline | undefined;
  readonly onApiCall?: ((call: ApiCall) => void) | undefined;
  readonly onRequest?: RequestListener | undefined;
  readonly onErrorCode?: ((code: string) => void) | undefined;
}

const maxWhole = 2_147_483_647;

function whole(least: number, most: number = maxWhole): v.GenericSchema<number> {
  const text = `must be a whole number from ${least} to ${most}`;
  return v.pipe(v.number(text), v.integer(text), v.minValue(least, text), v.maxValue(most, text));
}

function functionOf<F>(): v.GenericSchema<F> {
  return v.custom<F>((value) => typeof value === "function", "must be a function");
}

const texts = v.array(v.string("must be a string"));
const stages = v.optional(v.array(functionOf<HttpMiddleware>()), []);

const schema: StandardSchema<IngressSettings> = v.strictObject({
  hosts: v.optional(texts, [""]),
  port: v.optional(whole(0, 65_535), 3_500),
  publicPort: v.optional(whole(0, 65_535)),
  publicHost: v.optional(v.string("must be an address"), ""),
  unixSocketPath: v.optional(v.string("must be a path")),
  maxBodyBytes: v.optional(whole(0, Number.MAX_SAFE_INTEGER), 4 * 1024 * 1024),
  maxHeaderBytes: v.optional(whole(1), 4_096),
  headersTimeoutMs: v.optional(whole(1), 10_000),
  idleTimeoutMs: v.optional(whole(1), 180_000),
  inlineBodyTimeoutMs: v.optional(whole(1), 60_000),
  inlineBodyBytes: v.optional(whole(0), 256 * 1024),
  bindRetryMs: v.optional(whole(0), 10_000),
  allowedOrigins: v.optional(texts, []),
  disableHttp2: v.optional(v.boolean("must be true or false"), false),
  traceContext: v.optional(v.boolean("must be true or false"), true),
  isAllowed: v.optional(functionOf<IngressSettings["isAllowed"]>(), () => () => true),
  outerMiddlewares: stages,
  guards: stages,
  pipeline: v.optional(
    v.custom<HttpPipeline>(
      (value) => typeof value === "object" && value !== null && "run" in value,
      "must be a pipeline",
    ),
  ),
  onApiCall: v.optional(functionOf<(call: ApiCall) => void>()),
  onRequest: v.optional(functionOf<RequestListener>()),
  onErrorCode: v.optional(functionOf<(code: string) => void>()),
});

/** @throws OutriggerError `OTR_OPTIONS_INVALID`. */
export function parseIngressOptions(options: IngressHttpOptions): IngressSettings {
  return parseOptions("@outrigger/ingress-http", schema, options);
}
