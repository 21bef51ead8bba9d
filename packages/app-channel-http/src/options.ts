import { parseOptions, type StandardSchema } from "@outrigger/core";
import * as v from "valibot";

/** Options of `appChannelHttp`. */
export interface AppChannelHttpOptions {
  /** Where the app listens. Default `127.0.0.1`. */
  readonly host?: string;
  /** Port of the app, 1 to 65535. */
  readonly port: number;
  /** `https` accepts any certificate, as Dapr does: the app is local. Default `http`. */
  readonly protocol?: "http" | "https";
  /** Calls in flight at the app; others wait. 0 = unlimited. Default 0. */
  readonly maxConcurrency?: number;
  /** Sent to the app as `dapr-api-token`, in place of any other. Default none. */
  readonly appToken?: string;
  /** Largest head of an answer, in bytes. Default 4096, as Dapr's `--read-buffer-size`. */
  readonly maxResponseHeaderBytes?: number;
  /** Connections to the app. Default 1024. */
  readonly maxConnections?: number;
  /** How long an unused connection is kept, in milliseconds. Default 90000. */
  readonly idleTimeoutMs?: number;
  /** Bound on connecting, in milliseconds. Default 30000. */
  readonly dialTimeoutMs?: number;
  /** Whether every call carries a `traceparent`, of zeros when nobody traces. Default true, as Dapr. */
  readonly traceContext?: boolean;
  /** Whether the app is told with `GET /dapr/config` that the sidecar is up. Default true, as Dapr. */
  readonly greets?: boolean;
}

/** Options with their defaults. */
export interface ChannelSettings {
  readonly host: string;
  readonly port: number;
  readonly protocol: "http" | "https";
  readonly maxConcurrency: number;
  readonly appToken?: string | undefined;
  readonly maxResponseHeaderBytes: number;
  readonly maxConnections: number;
  readonly idleTimeoutMs: number;
  readonly dialTimeoutMs: number;
  readonly traceContext: boolean;
  readonly greets: boolean;
}

function whole(least: number, most: number): v.GenericSchema<number> {
  const text = `must be a whole number from ${least} to ${most}`;
  return v.pipe(v.number(text), v.integer(text), v.minValue(least, text), v.maxValue(most, text));
}

const maxDelayMs = 2_147_483_647;

const schema: StandardSchema<ChannelSettings> = v.strictObject({
  host: v.optional(
    v.pipe(v.string("must be an address"), v.nonEmpty("must not be empty")),
    "127.0.0.1",
  ),
  port: whole(1, 65_535),
  protocol: v.optional(v.picklist(["http", "https"], "must be http or https"), "http"),
  maxConcurrency: v.optional(whole(0, maxDelayMs), 0),
  appToken: v.optional(v.string("must be a string")),
  maxResponseHeaderBytes: v.optional(whole(1, maxDelayMs), 4_096),
  maxConnections: v.optional(whole(1, maxDelayMs), 1_024),
  idleTimeoutMs: v.optional(whole(1, maxDelayMs), 90_000),
  dialTimeoutMs: v.optional(whole(1, maxDelayMs), 30_000),
  traceContext: v.optional(v.boolean("must be true or false"), true),
  greets: v.optional(v.boolean("must be true or false"), true),
});

/** @throws OutriggerError `OTR_OPTIONS_INVALID`. */
export function parseChannelOptions(options: AppChannelHttpOptions): ChannelSettings {
  return parseOptions("@outrigger/app-channel-http", schema, options);
}
