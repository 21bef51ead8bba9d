import { parseOptions, type StandardSchema } from "@outrigger/core";
import * as v from "valibot";

/** How spans travel: protobuf over gRPC, or protobuf in HTTP requests. */
export type OtlpProtocol = "grpc" | "http";

/** Options of `tracingOtlp`. */
export interface TracingOtlpOptions {
  /** `host:port` of the collector, without scheme and path. Its usual ports are 4317 (gRPC) and 4318 (HTTP). */
  readonly endpoint: string;
  /** Default `grpc`. */
  readonly protocol?: OtlpProtocol;
  /** Whether the connection uses TLS. Default true. */
  readonly secure?: boolean;
  /** Sent with every export, for example a token. Default none. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Bound on one export, repeats included, in milliseconds. Default 10000. */
  readonly timeoutMs?: number;
}

/** Options with their defaults. */
export interface TracingOtlpSettings {
  readonly endpoint: string;
  readonly protocol: OtlpProtocol;
  readonly secure: boolean;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

const largest = 2_147_483_647;
const time = `must be a whole number from 1 to ${largest}`;

const schema: StandardSchema<TracingOtlpSettings> = v.strictObject({
  endpoint: v.pipe(v.string("must be host:port"), v.nonEmpty("must be host:port")),
  protocol: v.optional(v.picklist(["grpc", "http"], "must be grpc or http"), "grpc"),
  secure: v.optional(v.boolean("must be true or false"), true),
  headers: v.optional(v.record(v.string(), v.string("must be a string")), {}),
  timeoutMs: v.optional(
    v.pipe(v.number(time), v.integer(time), v.minValue(1, time), v.maxValue(largest, time)),
    10_000,
  ),
});

/** @throws OutriggerError `OTR_OPTIONS_INVALID`. */
export function parseOtlpOptions(options: TracingOtlpOptions): TracingOtlpSettings {
  return parseOptions("@outrigger/tracing-otlp", schema, options);
}
