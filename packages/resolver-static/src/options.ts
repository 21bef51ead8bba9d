import type { Endpoint, StandardSchema } from "@outrigger/core";
import * as v from "valibot";

/** `host:port`, `[ipv6]:port`, or the endpoint in parts. */
export type StaticEndpoint = string | Endpoint;

/** Options of `resolverStatic`. */
export interface ResolverStaticOptions {
  /** Endpoints of each app. A key `orders.prod` is app `orders` in namespace `prod`; `orders` is every other one. */
  readonly apps: Readonly<Record<string, readonly StaticEndpoint[]>>;
  /** How long an endpoint that could not be reached is avoided, in milliseconds. Default 5000. */
  readonly retryAfterMs?: number;
}

const hostPort = /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s:[\]/]+)):(\d{1,5})$/;
const port = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535));

const endpoint = v.union(
  [
    v.pipe(
      v.string(),
      v.regex(hostPort),
      v.transform(splitHostPort),
      v.object({ host: v.string(), port }),
    ),
    v.strictObject({
      host: v.pipe(v.string(), v.regex(/^[^\s[\]/]+$/)),
      port,
      zone: v.exactOptional(v.string()),
      namespace: v.exactOptional(v.string()),
    }),
  ],
  'must be "host:port", "[ipv6]:port" or { host, port } with a port from 1 to 65535',
);

/** Options after validation, each endpoint in its parts. */
export interface StaticSettings {
  readonly apps: Readonly<Record<string, readonly Endpoint[]>>;
  readonly retryAfterMs: number;
}

/** Validates the options. */
export const optionsSchema: StandardSchema<StaticSettings> = v.strictObject({
  apps: v.record(v.pipe(v.string(), v.nonEmpty()), v.array(endpoint)),
  retryAfterMs: v.optional(v.pipe(v.number(), v.minValue(0)), 5_000),
});

function splitHostPort(text: string): Endpoint {
  const match = hostPort.exec(text);
  return { host: match?.[1] ?? match?.[2] ?? "", port: Number(match?.[3]) };
}
