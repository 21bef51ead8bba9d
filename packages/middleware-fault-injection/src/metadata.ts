import {
  type ComponentMetadata,
  errorText,
  metadataValue,
  OutriggerError,
  parseOptions,
} from "@outrigger/core";
import * as v from "valibot";
import type { MiddlewareFaultInjectionOptions } from "./options.ts";

const known = [
  "delayPercentage",
  "delayDuration",
  "abortPercentage",
  "abortHttpStatus",
  "headers",
  "maxDelayed",
] as const;

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000 };
const headersSchema = v.record(v.string(), v.string(), "must be a map of header names to values");

/**
 * Reads the settings of a Component, which are text.
 * @throws OutriggerError `OTR_OPTIONS_INVALID` for one that is unknown, no number, or lacks its other
 *   half: a fault that never comes would go unnoticed.
 */
export function faultInjectionOptionsFromMetadata(
  metadata: ComponentMetadata,
): MiddlewareFaultInjectionOptions {
  const names = known.map((name) => name.toLowerCase());
  const unknown = Object.keys(metadata).find((name) => !names.includes(name.toLowerCase()));
  if (unknown !== undefined) throw invalid(`${unknown} is unknown, known are ${known.join(", ")}`);
  const delay = pair(metadata, "delayPercentage", "delayDuration");
  const abort = pair(metadata, "abortPercentage", "abortHttpStatus");
  const headers = metadataValue(metadata, "headers");
  const maxDelayed = metadataValue(metadata, "maxDelayed");
  return {
    ...(delay && {
      delay: {
        percentage: toNumber("delayPercentage", delay[0]),
        durationMs: toMs("delayDuration", delay[1]),
      },
    }),
    ...(abort && {
      abort: {
        percentage: toNumber("abortPercentage", abort[0]),
        httpStatus: toNumber("abortHttpStatus", abort[1]),
      },
    }),
    ...(headers && { headers: toHeaders(headers) }),
    ...(maxDelayed && { maxDelayed: toNumber("maxDelayed", maxDelayed) }),
  };
}

function pair(
  metadata: ComponentMetadata,
  first: string,
  second: string,
): readonly [string, string] | undefined {
  const [one, other] = [metadataValue(metadata, first), metadataValue(metadata, second)];
  if (!one && !other) return undefined;
  if (one && other) return [one, other];
  throw invalid(one ? `${first} needs ${second}` : `${second} needs ${first}`);
}

function toNumber(name: string, text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isFinite(value)) return value;
  throw invalid(`${name} must be a number (got ${JSON.stringify(text)})`);
}

function toMs(name: string, text: string): number {
  const [, number = "", unit = "ms"] = /^(\d+(?:\.\d+)?)(ms|s|m)?$/.exec(text) ?? [];
  if (number !== "") return Number(number) * (unitMs[unit] ?? 1);
  throw invalid(`${name} must be a duration such as 250ms or 2s (got ${JSON.stringify(text)})`);
}

function toHeaders(text: string): Readonly<Record<string, string>> {
  try {
    return parseOptions("headers", headersSchema, JSON.parse(text));
  } catch (cause) {
    throw invalid(`headers must be JSON, such as {"x-try":"yes"}: ${errorText(cause)}`, cause);
  }
}

function invalid(problem: string, cause?: unknown): OutriggerError {
  const message = `middleware-fault-injection: ${problem}`;
  return new OutriggerError(message, { code: "OTR_OPTIONS_INVALID", cause });
}
