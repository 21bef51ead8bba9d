import type { StandardSchema } from "@outrigger/core";
import * as v from "valibot";

/** Options of `resolverMdns`. Everything has a default; Dapr's own resolver has no options at all. */
export interface ResolverMdnsOptions {
  /**
   * Interfaces to use, by name (`eth0`) or by address. Default: every interface that is up, and
   * loopback, so that sidecars of one machine find each other behind a VPN or a firewall.
   */
  readonly interfaces?: readonly string[];
  /** UDP port. Default 5353 (RFC 6762 section 3); sidecars only meet on the same port. */
  readonly port?: number;
  /** How long a look-up waits for the first answer, in milliseconds. Default 1000, as in Dapr. */
  readonly lookupTimeoutMs?: number;
  /** How long a first look-up goes on collecting after its first answer, in milliseconds. Default 50. */
  readonly settleMs?: number;
  /** Lifetime of an endpoint after its last answer, in milliseconds. Default 60000, as in Dapr. */
  readonly instanceLifetimeMs?: number;
  /** How often the apps in use are asked for again, in milliseconds. Default 20000. */
  readonly refreshIntervalMs?: number;
  /** How often the network interfaces are compared with the open sockets, in milliseconds. Default 5000. */
  readonly rescanIntervalMs?: number;
  /** How long an endpoint that could not be reached is avoided, in milliseconds. Default 5000. */
  readonly retryAfterMs?: number;
  /** Most apps remembered; what nobody asked for goes first. Default 1024. */
  readonly maxApps?: number;
  /** Most instances remembered of one app. Default 256. */
  readonly maxInstancesPerApp?: number;
  /** Packets read in one second; the rest is dropped. Default 5000. */
  readonly maxPacketsPerSecond?: number;
}

/** Options with their defaults. */
export interface MdnsSettings {
  readonly interfaces?: readonly string[];
  readonly port: number;
  readonly lookupTimeoutMs: number;
  readonly settleMs: number;
  readonly instanceLifetimeMs: number;
  readonly refreshIntervalMs: number;
  readonly rescanIntervalMs: number;
  readonly retryAfterMs: number;
  readonly maxApps: number;
  readonly maxInstancesPerApp: number;
  readonly maxPacketsPerSecond: number;
}

// Longer delays would overflow setTimeout, which then fires at once.
const maxDelayMs = 2_147_483_647;
const delay = (minMs: number) => v.pipe(v.number(), v.minValue(minMs), v.maxValue(maxDelayMs));
const count = v.pipe(v.number(), v.integer(), v.minValue(1));

/** Validates the options. */
export const optionsSchema: StandardSchema<MdnsSettings> = v.strictObject({
  interfaces: v.exactOptional(
    v.pipe(v.array(v.pipe(v.string(), v.nonEmpty("must not be empty"))), v.minLength(1)),
  ),
  port: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535)), 5_353),
  lookupTimeoutMs: v.optional(delay(1), 1_000),
  settleMs: v.optional(delay(0), 50),
  instanceLifetimeMs: v.optional(delay(1), 60_000),
  refreshIntervalMs: v.optional(delay(1), 20_000),
  rescanIntervalMs: v.optional(delay(10), 5_000),
  retryAfterMs: v.optional(delay(0), 5_000),
  maxApps: v.optional(count, 1_024),
  maxInstancesPerApp: v.optional(count, 256),
  maxPacketsPerSecond: v.optional(count, 5_000),
});
