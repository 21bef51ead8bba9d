import { parseOptions } from "@outrigger/core";
import type { GrpcHandler } from "@outrigger/grpc-http2";
import * as v from "valibot";
import type { UnaryListener } from "./callee.ts";

/** Options of the gRPC transport. */
export interface TransportGrpcOptions {
  /** Address to listen on. Default "": all addresses of both families. */
  host?: string;
  /** Port to listen on; 0 picks a free one. Default 0. */
  port?: number;
  /** Take any free port when the wanted one is taken. Default false. */
  fallbackToFreePort?: boolean;
  /** How long a taken port is tried again, in milliseconds. Default 0. */
  bindRetryMs?: number;
  /** Bound on establishing a connection (TCP, TLS, SETTINGS), in milliseconds. Default 5000. */
  connectTimeoutMs?: number;
  /** Largest gRPC message in both directions, in bytes; 0 takes empty ones only. Bodies in chunks may be larger. Default 4 MiB. */
  maxMessageBytes?: number;
  /** Largest list of HTTP/2 headers, in bytes. Default 4 MiB, as in Dapr. */
  maxHeaderListBytes?: number;
  /** Takes calls to other services than Dapr's own. Default: the runtime's proxy does. */
  unknownMethod?: GrpcHandler;
  /** Told of each call of another sidecar that came in one message: for metrics. Default none. */
  onRpc?: UnaryListener;
}

const schema = v.strictObject({
  host: v.optional(v.string("must be an address or empty"), ""),
  port: v.optional(between(0, 65_535), 0),
  fallbackToFreePort: v.optional(v.boolean("must be true or false"), false),
  bindRetryMs: v.optional(between(0, 2_147_483_647), 0),
  connectTimeoutMs: v.optional(between(1, 2_147_483_647), 5_000),
  maxMessageBytes: v.optional(between(0, 2_147_483_647), 4_194_304),
  maxHeaderListBytes: v.optional(between(1_024, 2_147_483_647), 4_194_304),
  unknownMethod: v.optional(
    v.custom<GrpcHandler>((value) => typeof value === "function", "must be a function"),
  ),
  onRpc: v.optional(
    v.custom<UnaryListener>((value) => typeof value === "function", "must be a function"),
  ),
});

/** Options with their defaults. */
export interface ParsedOptions {
  readonly host: string;
  readonly port: number;
  readonly fallbackToFreePort: boolean;
  readonly bindRetryMs: number;
  readonly connectTimeoutMs: number;
  readonly maxMessageBytes: number;
  readonly maxHeaderListBytes: number;
  readonly unknownMethod?: GrpcHandler | undefined;
  readonly onRpc?: UnaryListener | undefined;
}

/** @throws OutriggerError `OTR_OPTIONS_INVALID`. */
export function parseTransportOptions(options: TransportGrpcOptions): ParsedOptions {
  return parseOptions("@outrigger/transport-grpc", schema, options);
}

function between(least: number, most: number): v.GenericSchema<number> {
  const text = `must be a whole number from ${least} to ${most}`;
  return v.pipe(v.number(text), v.integer(text), v.minValue(least, text), v.maxValue(most, text));
}
