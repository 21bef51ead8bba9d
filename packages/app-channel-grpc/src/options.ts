import { parseOptions, type StandardSchema } from "@outrigger/core";
import * as v from "valibot";

/** How a gRPC app is reached. */
export interface AppProxyGrpcOptions {
  /** Where the app listens. Default `127.0.0.1`. */
  readonly host?: string;
  /** Port of the app, 1 to 65535. For `appProxyGrpc` also 0: no app, so that every call fails to connect, as in Dapr. */
  readonly port: number;
  /** TLS that accepts any certificate, as Dapr does: the app is local. Default false. */
  readonly tls?: boolean;
  /** Sent to the app as `dapr-api-token`, in place of any other. Default none. */
  readonly appToken?: string;
  /** Largest message in both directions, in bytes. Default 4194304. */
  readonly maxMessageBytes?: number;
  /** Largest list of headers of an answer, in bytes. Default 4194304. */
  readonly maxHeaderListBytes?: number;
  /** Bound on connecting (TCP, TLS and SETTINGS), in milliseconds. Default 20000, as Dapr. */
  readonly connectTimeoutMs?: number;
}

/** Options of `appChannelGrpc`. */
export interface AppChannelGrpcOptions extends AppProxyGrpcOptions {
  /** Calls in flight at the app; others wait. 0 = unlimited. Default 0. Proxied calls do not count. */
  readonly maxConcurrency?: number;
  /** Told of each call of the app at its end: for metrics. Must not throw. Default none. */
  readonly onRpc?: AppRpcListener;
  /** Told of each health probe. Must not throw. Default none. */
  readonly onProbe?: (code: number, durationMs: number) => void;
  /** Whether every invocation carries a trace context, a made-up one when nobody traces. Default true. */
  readonly traceContext?: boolean;
}

/** Plain arguments, so that telling costs no object. */
export type AppRpcListener = (
  /** `/package.Service/Method`. */
  path: string,
  code: number,
  durationMs: number,
  receivedBytes: number,
  sentBytes: number,
) => void;

/** Options of the connection with their defaults. */
export interface AppConnectionSettings {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  readonly appToken?: string | undefined;
  readonly maxMessageBytes: number;
  readonly maxHeaderListBytes: number;
  readonly connectTimeoutMs: number;
}

/** Options of the channel with their defaults. */
export interface AppChannelSettings extends AppConnectionSettings {
  readonly maxConcurrency: number;
  readonly onRpc?: AppRpcListener | undefined;
  readonly onProbe?: ((code: number, durationMs: number) => void) | undefined;
  readonly traceContext: boolean;
}

const largest = 2_147_483_647;

const connection = {
  host: v.optional(
    v.pipe(v.string("must be an address"), v.nonEmpty("must not be empty")),
    "127.0.0.1",
  ),
  tls: v.optional(v.boolean("must be true or false"), false),
  appToken: v.optional(v.string("must be a string")),
  maxMessageBytes: v.optional(whole(0, largest), 4_194_304),
  maxHeaderListBytes: v.optional(whole(1_024, largest), 4_194_304),
  connectTimeoutMs: v.optional(whole(1, largest), 20_000),
};

const proxySchema: StandardSchema<AppConnectionSettings> = v.strictObject({
  ...connection,
  port: whole(0, 65_535),
});

const channelSchema: StandardSchema<AppChannelSettings> = v.strictObject({
  ...connection,
  port: whole(1, 65_535),
  maxConcurrency: v.optional(whole(0, largest), 0),
  onRpc: callback<AppRpcListener>(),
  onProbe: callback<(code: number, durationMs: number) => void>(),
  traceContext: v.optional(v.boolean("must be true or false"), true),
});

/** @throws OutriggerError `OTR_OPTIONS_INVALID`. */
export function parseProxyOptions(options: AppProxyGrpcOptions): AppConnectionSettings {
  return parseOptions("@outrigger/app-channel-grpc", proxySchema, options);
}

/** @throws OutriggerError `OTR_OPTIONS_INVALID`. */
export function parseChannelOptions(options: AppChannelGrpcOptions): AppChannelSettings {
  return parseOptions("@outrigger/app-channel-grpc", channelSchema, options);
}

function whole(least: number, most: number): v.GenericSchema<number> {
  const text = `must be a whole number from ${least} to ${most}`;
  return v.pipe(v.number(text), v.integer(text), v.minValue(least, text), v.maxValue(most, text));
}

function callback<F>(): v.OptionalSchema<v.GenericSchema<F>, undefined> {
  return v.optional(v.custom<F>((value) => typeof value === "function", "must be a function"));
}
