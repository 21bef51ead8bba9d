import { isIP } from "node:net";
import type { StandardSchema } from "@outrigger/core";
import * as v from "valibot";
import { templateProblem } from "./name-template.ts";

/** Options of `resolverDns`. */
export interface ResolverDnsOptions {
  /**
   * Name that is asked for, a template with `{appid}` and, if namespaces matter, `{namespace}`: for
   * example `{appid}.{namespace}.apps.internal`. It is complete: search domains are added with `records: system` only.
   */
  readonly name: string;
  /**
   * What is asked for. `address` (default): A and AAAA records, each with `port`. `srv`: SRV records,
   * which bring the port, and the addresses of their targets. `system`: what the operating system
   * says, with its hosts file and search domains, each with `port`.
   */
  readonly records?: "address" | "srv" | "system";
  /** Internal gRPC port of every sidecar. Required unless `records` is `srv`. */
  readonly port?: number;
  /** Name servers, `address` or `address:port`. Default: those of the operating system. */
  readonly servers?: readonly string[];
  /** Addresses that are used. Default `any`. */
  readonly family?: "any" | "ipv4" | "ipv6";
  /**
   * Names in DNS do not tell `Orders` from `orders`. False (default) finds no app with an upper-case
   * letter in its id, true takes the risk.
   */
  readonly upperCaseIds?: boolean;
  /** Longest time of one look-up, in milliseconds. Default 2000. */
  readonly lookupTimeoutMs?: number;
  /** Answers are used at least this long, whatever their TTL, in milliseconds. Default 1000. */
  readonly minTtlMs?: number;
  /** Answers are used at most this long, whatever their TTL, in milliseconds. Default 30000. */
  readonly maxTtlMs?: number;
  /** The last answer is used this long while no server answers, in milliseconds. Default 1 hour. */
  readonly keepMs?: number;
  /** How long an endpoint that could not be reached is avoided, in milliseconds. Default 5000. */
  readonly retryAfterMs?: number;
}

/** Options with their defaults. */
export interface DnsSettings {
  readonly name: string;
  readonly records: "address" | "srv" | "system";
  readonly port?: number;
  readonly servers?: readonly string[];
  readonly family: "any" | "ipv4" | "ipv6";
  readonly upperCaseIds: boolean;
  readonly lookupTimeoutMs: number;
  readonly minTtlMs: number;
  readonly maxTtlMs: number;
  readonly keepMs: number;
  readonly retryAfterMs: number;
}

// Longer delays would overflow setTimeout, which then fires at once.
const maxDelayMs = 2_147_483_647;
const delay = (minMs: number) => v.pipe(v.number(), v.minValue(minMs), v.maxValue(maxDelayMs));

const server = v.pipe(
  v.string(),
  v.check(isServer, "must be an IP address, with a port if it is not 53: 10.0.0.2, [::1]:5353"),
);

/** Validates the options. */
export const optionsSchema: StandardSchema<DnsSettings> = v.pipe(
  v.strictObject({
    name: v.pipe(
      v.string(),
      v.rawCheck(({ dataset, addIssue }) => {
        const message = dataset.typed ? templateProblem(dataset.value) : undefined;
        if (message !== undefined) addIssue({ message });
      }),
    ),
    records: v.optional(v.picklist(["address", "srv", "system"]), "address"),
    port: v.exactOptional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65_535))),
    servers: v.exactOptional(v.pipe(v.array(server), v.minLength(1, "must name one or more"))),
    family: v.optional(v.picklist(["any", "ipv4", "ipv6"]), "any"),
    upperCaseIds: v.optional(v.boolean(), false),
    lookupTimeoutMs: v.optional(delay(10), 2_000),
    minTtlMs: v.optional(delay(0), 1_000),
    maxTtlMs: v.optional(delay(0), 30_000),
    keepMs: v.optional(delay(0), 3_600_000),
    retryAfterMs: v.optional(delay(0), 5_000),
  }),
  v.check(
    ({ records, port }) => (records === "srv") === (port === undefined),
    "port is required, except with records: srv, where each record brings its own",
  ),
  v.check(
    ({ records, servers }) => records !== "system" || servers === undefined,
    "servers cannot be chosen with records: system",
  ),
  v.check(({ minTtlMs, maxTtlMs }) => minTtlMs <= maxTtlMs, "minTtlMs must not exceed maxTtlMs"),
);

function isServer(text: string): boolean {
  if (isIP(text) !== 0) return true;
  const match = /^(?:\[(?<v6>[^\]]+)\]|(?<v4>[^:]+))(?::(?<port>\d{1,5}))?$/.exec(text);
  const { v6 = "", v4 = "", port = "53" } = match?.groups ?? {};
  const isAddress = isIP(v6) === 6 || isIP(v4) === 4;
  return isAddress && Number(port) >= 1 && Number(port) <= 65_535;
}
