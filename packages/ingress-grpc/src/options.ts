import { type HeaderList, parseOptions, type RpcStatus } from "@outrigger/core";
import * as v from "valibot";
import type { RpcListener } from "./call-end.ts";

/** What the API log tells about a call. */
export interface ApiCallRecord {
  /** `/package.Service/Method`. */
  readonly method: string;
  /** Absent when the client sent none. */
  readonly userAgent: string | undefined;
  readonly durationMs: number;
  /** RPC status code of the answer. */
  readonly code: number;
}

/** Options of `ingressGrpc`. */
export interface IngressGrpcOptions {
  /** Addresses to listen on; an empty one means all. Default `[""]`. Those that fail are skipped, if one is left. */
  readonly hosts?: readonly string[];
  /** Port, 0 to 65535; 0 picks a free one for each address. Default 50001. */
  readonly port?: number;
  /** Listens on this Unix domain socket instead of TCP. The file is removed at stop. Default none. */
  readonly unixSocketPath?: string;
  /** Largest message in both directions, in bytes. Default 4194304. */
  readonly maxMessageBytes?: number;
  /** Largest list of headers of a request, in bytes. Default 4194304. */
  readonly maxHeaderListBytes?: number;
  /** How long a bind that fails is repeated, in milliseconds. Default 10000. */
  readonly bindTimeoutMs?: number;
  /** Whether calls are traced, which changes the text for proxied calls without a target. Default true. */
  readonly tracing?: boolean;
  /** Says whether a method of Dapr's API may be called. Default: all may. */
  readonly isAllowed?: (path: string) => boolean;
  /**
   * Judges the raw request headers of every call: a status refuses it. When given, the header
   * `dapr-api-token` goes no further. Default: nobody is asked.
   */
  readonly authenticate?: (headers: HeaderList) => RpcStatus | undefined;
  /** Told about every call at its end. Must not throw. Default: nobody is told. */
  readonly onApiCall?: (record: ApiCallRecord) => void;
  /** Told about every call at its end, for metrics. Must not throw. Default: nobody is told. */
  readonly onRpc?: RpcListener;
  /** Told the code of each answer that is an error of Dapr's. Must not throw. Default: nobody is told. */
  readonly onErrorCode?: (code: string) => void;
}

/** Options with their defaults. */
export interface IngressSettings {
  readonly hosts: readonly string[];
  readonly port: number;
  readonly unixSocketPath?: string | undefined;
  readonly maxMessageBytes: number;
  readonly maxHeaderListBytes: number;
  readonly bindTimeoutMs: number;
  readonly tracing: boolean;
  readonly isAllowed?: ((path: string) => boolean) | undefined;
  readonly authenticate?: ((headers: HeaderList) => RpcStatus | undefined) | undefined;
  readonly onApiCall?: ((record: ApiCallRecord) => void) | undefined;
  readonly onRpc?: RpcListener | undefined;
  readonly onErrorCode?: ((code: string) => void) | undefined;
}

const largest = 2_147_483_647;

const schema = v.strictObject({
  hosts: v.optional(
    v.pipe(
      v.array(v.string("must be an address or empty"), "must be a list of addresses"),
      v.minLength(1, "must name one address or more"),
    ),
    [""],
  ),
  port: v.optional(whole(0, 65_535), 50_001),
  unixSocketPath: v.optional(v.pipe(v.string("must be a path"), v.nonEmpty("must not be empty"))),
  maxMessageBytes: v.optional(whole(0, largest), 4_194_304),
  maxHeaderListBytes: v.optional(whole(1_024, largest), 4_194_304),
  bindTimeoutMs: v.optional(whole(0, largest), 10_000),
  tracing: v.optional(v.boolean("must be true or false"), true),
  isAllowed: callback<(path: string) => boolean>(),
  authenticate: callback<(headers: HeaderList) => RpcStatus | undefined>(),
  onApiCall: callback<(record: ApiCallRecord) => void>(),
  onRpc: callback<RpcListener>(),
  onErrorCode: callback<(code: string) => void>(),
});

/** @throws OutriggerError `OTR_OPTIONS_INVALID`. */
export function parseIngressOptions(options: IngressGrpcOptions): IngressSettings {
  return parseOptions("@outrigger/ingress-grpc", schema, options);
}

function callback<F>(): v.OptionalSchema<v.GenericSchema<F>, undefined> {
  return v.optional(v.custom<F>((value) => typeof value === "function", "must be a function"));
}

function whole(least: number, most: number): v.GenericSchema<number> {
  const text = `must be a whole number from ${least} to ${most}`;
  return v.pipe(v.number(text), v.integer(text), v.minValue(least, text), v.maxValue(most, text));
}
