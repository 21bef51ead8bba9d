import type { ComponentFactory, Resolver, StandardSchema } from "@outrigger/core";
import * as v from "valibot";

/** One resolver of a chain. */
export interface ResolverChainMember {
  /** For logs and errors, for example `consul`. */
  readonly name: string;
  readonly resolver: ComponentFactory<Resolver>;
  /** How long one attempt to start, announce or resolve may take, in milliseconds. Default 2000. */
  readonly timeoutMs?: number;
}

/** Options of `resolverChain`. */
export interface ResolverChainOptions {
  /** What logs call the chain. Default: `resolver-chain` and the names of its members. */
  readonly name?: string;
  /** At least one, with different names, in the order in which they are asked. */
  readonly members: readonly ResolverChainMember[];
  /**
   * `first` (default): the answer of the first member that knows the app. `merged`: all members are
   * asked at once, and everything that they know is used.
   */
  readonly mode?: "first" | "merged";
  /**
   * `merged`: how long the others have after the first answer, in milliseconds. Default 200. It
   * counts for the first call to an app: who is slow then is not waited for any more.
   */
  readonly settleMs?: number;
  /**
   * A member that did not know an app does not hold up the calls to it while another one knows it:
   * it is asked again in the background, first after a second, then ever more rarely, at last after
   * this time, in milliseconds. Default 30000.
   */
  readonly recheckMs?: number;
  /** How long an endpoint that could not be reached is avoided, in milliseconds. Default 5000. */
  readonly retryAfterMs?: number;
}

/** Options with their defaults. */
export interface ChainSettings {
  readonly name?: string;
  readonly members: readonly MemberSettings[];
  readonly mode: "first" | "merged";
  readonly settleMs: number;
  readonly recheckMs: number;
  readonly retryAfterMs: number;
}

/** A member with its defaults. */
export interface MemberSettings {
  readonly name: string;
  readonly resolver: ComponentFactory<Resolver>;
  readonly timeoutMs: number;
}

// Longer delays would overflow setTimeout, which then fires at once.
const maxDelayMs = 2_147_483_647;
const delay = (minMs: number) => v.pipe(v.number(), v.minValue(minMs), v.maxValue(maxDelayMs));

const member = v.strictObject({
  name: v.pipe(v.string(), v.nonEmpty("must not be empty")),
  resolver: v.custom<ComponentFactory<Resolver>>(
    (value) => typeof value === "function",
    "must be what a resolver's factory returns, for example resolverMdns()",
  ),
  timeoutMs: v.optional(delay(1), 2_000),
});

/** Validates the options. */
export const optionsSchema: StandardSchema<ChainSettings> = v.strictObject({
  name: v.exactOptional(v.pipe(v.string(), v.nonEmpty("must not be empty"))),
  members: v.pipe(
    v.array(member),
    v.minLength(1, "needs at least one resolver"),
    v.maxLength(16, "must be at most 16 resolvers"),
    v.check(
      (members) => new Set(members.map(({ name }) => name)).size === members.length,
      "must have different names",
    ),
  ),
  mode: v.optional(v.picklist(["first", "merged"]), "first"),
  settleMs: v.optional(delay(0), 200),
  recheckMs: v.optional(delay(1), 30_000),
  retryAfterMs: v.optional(delay(0), 5_000),
});
