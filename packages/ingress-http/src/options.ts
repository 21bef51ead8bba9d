import {
  type HttpRequest,
  type HttpResponse,
  type Middleware,
  parseOptions,
  type StandardSchema,
} from "@outrigger/core";
import * as v from "valibot";
import type { ApiCall } from "./api-log.ts";

/** Groups of routes that Dapr's API lists name. */
export type RouteGroup = "invoke" | "metadata" | "shutdown";

/** Wraps the handling of requests. */
export type HttpMiddleware = Middleware<HttpRequest, HttpResponse>;

/** Options of `ingressHttp`. */
export interface IngressHttpOptions {
  /** Addresses to listen on; an empty one is all interfaces. Default `["127.0.0.1"]`. */
  readonly hosts?: readonly string[];
  /** Port of the API; 0 takes a free one. Default 3500. */
  readonly port?: number;
  /** Address of the public server. Default all interfaces. */
  readonly publicHost?: string;
  /** Port of a second server with health and metadata only. Default none. */
  readonly publicPort?: number;
  /** Listens on this Unix socket in place of TCP. Default none. */
  readonly unixSocketPath?: string;
  /** Largest request body in bytes; 0 = unlimited. Default 4194304 (4 MiB). */
  readonly maxBodyBytes?: number;
  /** Request line and headers may have this many bytes and 4096 more. Default 4096. */
  readonly maxHeaderBytes?: number;
  /** How long a client may take for the headers, in milliseconds. Default 10000. */
  readonly headersTimeoutMs?: number;
  /** Origins of cross-origin requests: exact, with one `*`, or `*`. Default none: no CORS. */
  readonly allowedOrigins?: readonly string[];
  /** Which routes exist, for example `("metadata", "v1.0/metadata/{key}")`. Default all. */
  readonly isAllowed?: (group: RouteGroup, route: string) => boolean;
  /** Turns cleartext HTTP/2 off. Default false. */
  readonly disableH2c?: boolean;
  /** Bodies of known length up to this are held in memory, in bytes. Default 262144. */
  readonly inlineBodyBytes?: number;
  /** Run after CORS and before API logging and routing; not on the public server. Default none. */
  readonly middlewares?: readonly HttpMiddleware[];
  /** Run around everything but the body limit, on both servers. Default none. */
  readonly outerMiddlewares?: readonly HttpMiddleware[];
  /** Told about every answered API request. Default none. */
  readonly onApiCall?: (call: ApiCall) => void;
  /** How long binding a port is tried, in milliseconds. Default 10000. */
  readonly bindRetryMs?: number;
}

/** Options with their defaults. */
export interface IngressSettings {
  readonly hosts: readonly string[];
  readonly port: number;
  readonly publicHost: string;
  readonly publicPort?: number | undefined;
  readonly unixSocketPath?: string | undefined;
  readonly maxBodyBytes: number;
  readonly maxHeaderBytes: number;
  readonly headersTimeoutMs: number;
  readonly allowedOrigins: readonly string[];
  readonly isAllowed?: ((group: RouteGroup, route: string) => boolean) | undefined;
  readonly disableH2c: boolean;
  readonly inlineBodyBytes: number;
  readonly middlewares: readonly HttpMiddleware[];
  readonly outerMiddlewares: readonly HttpMiddleware[];
  readonly onApiCall?: ((call: ApiCall) => void) | undefined;
  readonly bindRetryMs: number;
}

const largest = 2_147_483_647;

function whole(least: number, most: number): v.GenericSchema<number> {
  const text = `must be a whole number from ${least} to ${most}`;
  return v.pipe(v.number(text), v.integer(text), v.minValue(least, text), v.maxValue(most, text));
}

function callback<Callback>(): v.GenericSchema<Callback> {
  return v.custom<Callback>((value) => typeof value === "function", "must be a function");
}

const texts = v.array(v.string("must be a string"), "must be a list");
const middlewares = v.array(callback<HttpMiddleware>(), "must be a list");

const schema: StandardSchema<IngressSettings> = v.strictObject({
  hosts: v.optional(v.pipe(texts, v.nonEmpty("must not be empty")), ["127.0.0.1"]),
  port: v.optional(whole(0, 65_535), 3_500),
  publicHost: v.optional(v.string("must be an address"), ""),
  publicPort: v.optional(whole(0, 65_535)),
  unixSocketPath: v.optional(v.pipe(v.string("must be a path"), v.nonEmpty("must not be empty"))),
  maxBodyBytes: v.optional(whole(0, Number.MAX_SAFE_INTEGER), 4_194_304),
  maxHeaderBytes: v.optional(whole(1, largest - 4_096), 4_096),
  headersTimeoutMs: v.optional(whole(1, largest), 10_000),
  allowedOrigins: v.optional(texts, []),
  isAllowed: v.optional(callback<(group: RouteGroup, route: string) => boolean>()),
  disableH2c: v.optional(v.boolean("must be true or false"), false),
  inlineBodyBytes: v.optional(whole(0, largest), 262_144),
  middlewares: v.optional(middlewares, []),
  outerMiddlewares: v.optional(middlewares, []),
  onApiCall: v.optional(callback<(call: ApiCall) => void>()),
  bindRetryMs: v.optional(whole(0, largest), 10_000),
});

/** @throws OutriggerError `OTR_OPTIONS_INVALID`. */
export function parseIngressOptions(options: IngressHttpOptions): IngressSettings {
  return parseOptions("@outrigger/ingress-http", schema, options);
}
