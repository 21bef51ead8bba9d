import { type HttpPipeline, parseOptions, type StandardSchema } from "@outrigger/core";
import * as v from "valibot";

/** TLS material of an endpoint, as PEM text. */
export interface EndpointTls {
  /** Certificates that the server's one must lead to, in place of the public ones. */
  readonly ca?: string;
  /** Certificate that is shown to the server; used when there is a private key. */
  readonly certificate?: string;
  readonly privateKey?: string;
}

/** A server that calls reach by a name. */
export interface HttpEndpoint {
  readonly name: string;
  /** `http://` or `https://` URL; the method is appended to it as it is, after a slash. */
  readonly baseUrl: string;
  /** Name and value; they replace the caller's headers of the same name. Default none. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
  readonly tls?: EndpointTls;
  /** Why the endpoint cannot be used; each call of it fails with this text. Default: it can. */
  readonly problem?: string;
}

/** Options of `egressHttp`. */
export interface EgressHttpOptions {
  /** Default none: only URLs can be called. */
  readonly endpoints?: readonly HttpEndpoint[];
  /** Calls in flight at each endpoint, and at all URLs together; others wait. 0 = unlimited. Default 0. */
  readonly maxConcurrency?: number;
  /** Connections to one server; further calls wait for one. Default 1024. */
  readonly maxConnections?: number;
  /** Servers of URL calls whose connections are kept; the one unused for longest goes first. Default 64. */
  readonly maxUrlOrigins?: number;
  /** How long an unused connection is kept, in milliseconds. Default 90000. */
  readonly idleTimeoutMs?: number;
  /** Bound on connecting, the TLS handshake included, in milliseconds. Default 15000. */
  readonly connectTimeoutMs?: number;
  /** Largest head of an answer, in bytes. Default 1048576. */
  readonly maxResponseHeaderBytes?: number;
  /** Whether every call carries a `traceparent`, a made-up one when nobody traces. Default true, as Dapr. */
  readonly traceContext?: boolean;
  /** Handlers around every call; redirects happen behind them. Default none. */
  readonly pipeline?: HttpPipeline;
}

/** Options with their defaults. */
export interface EgressSettings {
  readonly endpoints: readonly HttpEndpoint[];
  readonly maxConcurrency: number;
  readonly maxConnections: number;
  readonly maxUrlOrigins: number;
  readonly idleTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly maxResponseHeaderBytes: number;
  readonly traceContext: boolean;
  readonly pipeline?: HttpPipeline | undefined;
}

function whole(least: number, most: number): v.GenericSchema<number> {
  const text = `must be a whole number from ${least} to ${most}`;
  return v.pipe(v.number(text), v.integer(text), v.minValue(least, text), v.maxValue(most, text));
}

const text = v.string("must be a string");
const maxDelayMs = 2_147_483_647;

// What is wrong inside an endpoint costs that endpoint alone, so only shapes are checked here.
const endpoint = v.strictObject({
  name: v.pipe(text, v.nonEmpty("must not be empty")),
  baseUrl: text,
  headers: v.optional(v.array(v.strictTuple([text, text]))),
  tls: v.optional(
    v.strictObject({
      ca: v.optional(text),
      certificate: v.optional(text),
      privateKey: v.optional(text),
    }),
  ),
  problem: v.optional(text),
});

const schema = v.strictObject({
  endpoints: v.optional(
    v.pipe(
      v.array(endpoint, "must be a list"),
      v.check(
        (list) => new Set(list.map(({ name }) => name)).size === list.length,
        "must have different names",
      ),
    ),
    [],
  ),
  maxConcurrency: v.optional(whole(0, maxDelayMs), 0),
  maxConnections: v.optional(whole(1, maxDelayMs), 1_024),
  maxUrlOrigins: v.optional(whole(1, 65_536), 64),
  idleTimeoutMs: v.optional(whole(1, maxDelayMs), 90_000),
  connectTimeoutMs: v.optional(whole(1, maxDelayMs), 15_000),
  maxResponseHeaderBytes: v.optional(whole(1, maxDelayMs), 1_048_576),
  traceContext: v.optional(v.boolean("must be true or false"), true),
  pipeline: v.optional(
    v.custom<HttpPipeline>(
      (value) => typeof value === "object" && value !== null && "run" in value,
      "must be a pipeline",
    ),
  ),
});

/** @throws OutriggerError `OTR_OPTIONS_INVALID`. */
export function parseEgressOptions(options: EgressHttpOptions): EgressSettings {
  return parseOptions("@outrigger/egress-http", schema as StandardSchema<EgressSettings>, options);
}
