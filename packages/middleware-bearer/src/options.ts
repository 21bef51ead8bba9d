import type { StandardSchema } from "@outrigger/core";
import * as v from "valibot";

/** Options of `middlewareBearer`. */
export interface MiddlewareBearerOptions {
  /** URL of the issuer, exactly as its tokens name it. */
  readonly issuer: string;
  /** What the tokens must be meant for. */
  readonly audience: string;
  /** Where the issuer's keys are. Default: what its OpenID Connect discovery document says. */
  readonly jwksUrl?: string;
  /** How far the clocks may be apart, in milliseconds. Default 300000. */
  readonly clockToleranceMs?: number;
  /** How old keys may be before they are fetched again, in milliseconds. Default 600000. */
  readonly refreshAfterMs?: number;
}

/** Options with their defaults. */
export interface BearerSettings {
  readonly issuer: string;
  readonly audience: string;
  readonly jwksUrl?: string | undefined;
  readonly clockToleranceMs: number;
  readonly refreshAfterMs: number;
}

const filled = v.pipe(v.string("must be a string"), v.nonEmpty("must not be empty"));
const isHttp = (url: string): boolean => URL.canParse(url) && /^https?:/i.test(url);
const duration = v.pipe(
  v.number("must be a number of milliseconds"),
  v.minValue(0, "must be a number of milliseconds"),
);

export const schema: StandardSchema<BearerSettings> = v.strictObject({
  issuer: filled,
  audience: filled,
  jwksUrl: v.optional(v.pipe(filled, v.check(isHttp, "must be an http or https URL"))),
  clockToleranceMs: v.optional(duration, 300_000),
  refreshAfterMs: v.optional(duration, 600_000),
});
