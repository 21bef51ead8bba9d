import {
  type ComponentFactory,
  type ComponentMetadata,
  type HeaderList,
  type HttpMiddlewareComponent,
  type HttpRequest,
  headerValue,
  metadataValue,
  OutriggerError,
  parseOptions,
} from "@outrigger/core";
import * as v from "valibot";
import { clientAddress } from "./client-address.ts";
import { TokenBuckets } from "./token-buckets.ts";

/** Options of `middlewareRateLimit`. */
export interface MiddlewareRateLimitOptions {
  /** For each client and path; a burst of as many may come at once. Default 100. */
  readonly maxRequestsPerSecond?: number;
  /**
   * Whether `X-Forwarded-For` and `X-Real-IP` tell the client. Default true, as Dapr; a client can
   * forge them, so turn it off where no proxy sets them.
   */
  readonly trustForwardedHeaders?: boolean;
  /** Clients and paths that are remembered; the one unused for longest is forgotten. Default 10000. */
  readonly maxClients?: number;
}

const positive = "must be a number above 0";
const whole = "must be a whole number from 1 to 10000000";
const schema = v.strictObject({
  maxRequestsPerSecond: v.optional(
    v.pipe(v.number(positive), v.finite(positive), v.gtValue(0, positive)),
    100,
  ),
  trustForwardedHeaders: v.optional(v.boolean("must be true or false"), true),
  maxClients: v.optional(
    v.pipe(v.number(whole), v.integer(whole), v.minValue(1, whole), v.maxValue(10_000_000, whole)),
    10_000,
  ),
});

/** Answers 429 to clients that send more than their share. */
export function middlewareRateLimit(
  options: MiddlewareRateLimitOptions = {},
): ComponentFactory<HttpMiddlewareComponent> {
  const settings = parseOptions("middleware-rate-limit", schema, options);
  const { maxRequestsPerSecond: rate, trustForwardedHeaders, maxClients } = settings;
  const burst = Math.max(1, Math.floor(rate));
  return ({ now }) => {
    const buckets = new TokenBuckets({ rate, burst, maxBuckets: maxClients, now });
    return {
      name: "middleware-rate-limit",
      handle: async (request, next) => {
        const client = clientAddress(request, trustForwardedHeaders);
        const { allowed, remaining } = buckets.take(`${client} ${request.path}`);
        const headers = limitHeaders(request, rate, remaining);
        if (!allowed) return { status: 429, headers: [...plainText, ...headers], body: refusal };
        const response = await next(request);
        return { ...response, headers: [...response.headers, ...headers] };
      },
    };
  };
}

const plainText: HeaderList = ["Content-Type", "text/plain; charset=utf-8"];
const refusal = new TextEncoder().encode("You have reached maximum request limit.");

function limitHeaders(request: HttpRequest, rate: number, remaining: number): HeaderList {
  const forwarded = headerValue(request.headers, "x-forwarded-for");
  return [
    ...["X-Rate-Limit-Limit", rate.toFixed(2)],
    ...["X-Rate-Limit-Duration", "1"],
    ...["X-Rate-Limit-Request-Remote-Addr", request.remoteAddress ?? ""],
    ...(forwarded ? ["X-Rate-Limit-Request-Forwarded-For", forwarded] : []),
    ...["RateLimit-Limit", `${Math.round(rate)}`],
    ...["RateLimit-Reset", "1"],
    ...["RateLimit-Remaining", `${remaining}`],
  ];
}

/**
 * Reads the settings as Dapr does.
 * @throws OutriggerError `OTR_OPTIONS_INVALID` for a limit that is no number above 0.
 */
export function rateLimitOptionsFromDapr(metadata: ComponentMetadata): MiddlewareRateLimitOptions {
  const text = metadataValue(metadata, "maxRequestsPerSecond");
  if (text === undefined) return {};
  const maxRequestsPerSecond = Number(text);
  if (maxRequestsPerSecond > 0 && Number.isFinite(maxRequestsPerSecond)) {
    return { maxRequestsPerSecond };
  }
  throw new OutriggerError(
    `metadata property maxRequestsPerSecond must be a positive value (got ${JSON.stringify(text)})`,
    { code: "OTR_OPTIONS_INVALID" },
  );
}
