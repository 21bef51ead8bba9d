import { parseOptions, type StandardSchema } from "@outrigger/core";
import * as v from "valibot";

/** Holds requests up. */
export interface DelayFault {
  /** How many of 100 requests, 0 to 100. */
  readonly percentage: number;
  /** For how long, in milliseconds; up to 300000. */
  readonly durationMs: number;
}

/** Answers in place of whoever comes next. */
export interface AbortFault {
  /** How many of 100 requests, 0 to 100. */
  readonly percentage: number;
  /** Status of the answer, 200 to 599. */
  readonly httpStatus: number;
}

/** Options of `middlewareFaultInjection`. Without a fault everything passes. */
export interface MiddlewareFaultInjectionOptions {
  /** Default: none. */
  readonly delay?: DelayFault | undefined;
  /** Comes after the delay, when a request is chosen for both. Default: none. */
  readonly abort?: AbortFault | undefined;
  /**
   * Only requests with all of these headers are chosen from. Names match without case, values
   * exactly; `*` is any value. Default: all requests.
   */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Requests that are held up at once; further ones pass without a delay. Default 1000. */
  readonly maxDelayed?: number | undefined;
}

/** The options with their defaults. */
export interface FaultSettings {
  readonly delay?: DelayFault | undefined;
  readonly abort?: AbortFault | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly maxDelayed: number;
}

function range(from: number, to: number) {
  const message = `must be a number from ${from} to ${to}`;
  return v.pipe(v.number(message), v.minValue(from, message), v.maxValue(to, message));
}

function whole(from: number, to: number) {
  const message = `must be a whole number from ${from} to ${to}`;
  return v.pipe(
    v.number(message),
    v.integer(message),
    v.minValue(from, message),
    v.maxValue(to, message),
  );
}

const percentage = range(0, 100);
const headerName = v.pipe(
  v.string(),
  v.regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, "must be the name of a header"),
);

const schema: StandardSchema<FaultSettings> = v.strictObject({
  delay: v.optional(v.strictObject({ percentage, durationMs: range(0, 300_000) })),
  abort: v.optional(v.strictObject({ percentage, httpStatus: whole(200, 599) })),
  headers: v.optional(v.record(headerName, v.string("must be text"), "must be a map of text"), {}),
  maxDelayed: v.optional(whole(1, 1_000_000), 1_000),
});

/** @throws OutriggerError `OTR_OPTIONS_INVALID`. */
export function parseFaultOptions(options: MiddlewareFaultInjectionOptions): FaultSettings {
  return parseOptions("middleware-fault-injection", schema, options);
}
