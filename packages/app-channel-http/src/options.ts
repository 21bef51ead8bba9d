import { type HttpPipeline, parseOptions, type StandardSchema } from "@outrigger/core";
import * as v from "valibot";
import type { RequestListener } from "./measured-exchange.ts";

/** Options of `appChannelHttp`. */
export interface AppChannelHttpOptions {
  /** Where the app listens. Default `127.0.0.1`. */
  readonly host?: string;
  /** Port of the app, 1 to 65535. */
  readonly port: number;
  /**
   * `https` accepts any certificate, as Dapr does: the app is local. `h2c` is cleartext HTTP/2 with
   * prior knowledge. Default `http`.
   */
  readonly protocol?: "http" | "https" | "h2c";
  /** Calls in flight at the app; others wait. 0 = unlimited. Default 0. */
  readonly maxConcurrency?: number;
  /** Sent to the app as `dapr-api-token`, in place of any other. Default none. */
  readonly appToken?: string;
  /**
   * Largest head of an answer, in bytes. Default 4096, as Dapr's `--read-buffer-size`; with `h2c`
   * 10485760, as Go's HTTP/2 client.
   */
  readonly maxResponseHeaderBytes?: number;
  /** Connections to the app. Default 1024. With `h2c` one serves as many calls as the app allows. */
  readonly maxConnections?: number;
  /** How long an unused connection is kept, in milliseconds. Default 90000. */
  readonly idleTimeoutMs?: number;
  /** Bound on connecting, in milliseconds. Default 30000. */
  readonly dialTimeoutMs?: number;
  /** Whether every call carries a `traceparent`, a made-up one when nobody traces. Default true, as Dapr. */
  readonly traceContext?: boolean;
  /** Whether the app is told with `GET /dapr/config` that the sidecar is up. Default true, as Dapr. */
  readonly greets?: boolean;
  /** Handlers around every request to the app except health probes. Default none. */
  readonly pipeline?: HttpPipeline;
  /** Told of each request to the app when its answer begins, or failed: for metrics. Default none. */
  readonly onRequest?: RequestListener;
  /** Told of each health probe; the status is 500 when there was no answer. Default none. */
  readonly onProbe?: (status: number, durationMs: number) => void;
}

/** Options with their defaults. */
export interface ChannelSettings {
  readonly host: string;
  readonly port: number;
  readonly protocol: "http" | "https" | "h2c";
  readonly maxConcurrency: number;
  readonly appToken?: string | undefined;
  readonly maxResponseHeaderBytes: number;
  readonly maxConnections: number;
  readonly idleTimeoutMs: number;
  readonly dialTimeoutMs: number;
  readonly traceContext: boolean;
  readonly greets: boolean;
  readonly pipeline?: HttpPipeline | undefined;
  readonly onRequest?: RequestListener | undefined;
  readonly onProbe?: ((status: number, durationMs: number) => void) | undefined;
}

function callback<F>(): v.OptionalSchema<v.GenericSchema<F>, undefined> {
  return v.optional(v.custom<F>((value) => typeof value === "function", "must be a function"));
}

function whole(least: number, most: number): v.GenericSchema<number> {
  const text = `must be a whole number from ${least} to ${most}`;
  return v.pipe(v.number(text), v.integer(text), v.minValue(least, text), v.maxValue(most, text));
}

const maxDelayMs = 2_147_483_647;

const defaultHeaderBytes = { http: 4_096, https: 4_096, h2c: 10_485_760 };

const fields = v.strictObject({
  host: v.optional(
    v.pipe(v.string("must be an address"), v.nonEmpty("must not be empty")),
    "127.0.0.1",
  ),
  port: whole(1, 65_535),
  protocol: v.optional(v.picklist(["http", "https", "h2c"], "must be http, https or h2c"), "http"),
  maxConcurrency: v.optional(whole(0, maxDelayMs), 0),
  appToken: v.optional(v.string("must be a string")),
  maxResponseHeaderBytes: v.optional(whole(1, maxDelayMs)),
  maxConnections: v.optional(whole(1, maxDelayMs), 1_024),
  idleTimeoutMs: v.optional(whole(1, maxDelayMs), 90_000),
  dialTimeoutMs: v.optional(whole(1, maxDelayMs), 30_000),
  traceContext: v.optional(v.boolean("must be true or false"), true),
  greets: v.optional(v.boolean("must be true or false"), true),
  pipeline: v.optional(
    v.custom<HttpPipeline>(
      (value) => typeof value === "object" && value !== null && "run" in value,
      "must be a pipeline",
    ),
  ),
  onRequest: callback<RequestListener>(),
  onProbe: callback<(status: number, durationMs: number) => void>(),
});

const schema: StandardSchema<ChannelSettings> = v.pipe(
  fields,
  v.transform((given) => ({
    ...given,
    maxResponseHeaderBytes: given.maxResponseHeaderBytes ?? defaultHeaderBytes[given.protocol],
  })),
);

/** @throws OutriggerError `OTR_OPTIONS_INVALID`. */
export function parseChannelOptions(options: AppChannelHttpOptions): ChannelSettings {
  return parseOptions("@outrigger/app-channel-http", schema, options);
}
