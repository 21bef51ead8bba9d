import { parseOptions, type StandardSchema } from "@outrigger/core";
import type { JsonValue, NameResolutionSpec } from "@outrigger/resources";
import * as v from "valibot";
import type { SidecarMode } from "../flags/sidecar-options.ts";
import { isRecord } from "../packages/package-entry.ts";

/** One resolver as the Configuration asks for it. */
export interface ResolverChoice {
  /** As typed. */
  readonly component: string;
  readonly version: string;
  readonly configuration: JsonValue | undefined;
  /** `undefined`: the chain's default. */
  readonly timeoutMs: number | undefined;
}

/** Options of a chain beside its members; the chain checks them. */
export type ChainOptions = Readonly<Record<string, unknown>>;

/** Which resolvers a sidecar uses. */
export interface ResolverPlan {
  readonly choices: readonly ResolverChoice[];
  /** `undefined`: there is one resolver, which is used as it is. */
  readonly chain: ChainOptions | undefined;
}

/** The same as a list in `component`, under the name `chain`. */
const chainSchema: StandardSchema<{ readonly members: readonly ResolverChoice[] } & ChainOptions> =
  v.looseObject({
    members: v.array(
      v.union(
        [
          v.pipe(
            v.string(),
            v.nonEmpty(),
            v.transform((component) => choice(component)),
          ),
          v.pipe(
            v.strictObject({
              component: v.pipe(v.string(), v.nonEmpty()),
              version: v.optional(v.string(), ""),
              configuration: v.optional(v.custom<JsonValue>(() => true)),
              timeoutMs: v.optional(v.number()),
            }),
            v.transform(({ component, version, configuration, timeoutMs }) => ({
              ...choice(component, version, configuration),
              timeoutMs,
            })),
          ),
        ],
        "must be the name of a resolver, or { component, version, configuration, timeoutMs }",
      ),
    ),
  });

/**
 * Reads which resolvers the Configuration names; where it names none, those of the mode.
 * @throws OutriggerError `OTR_OPTIONS_INVALID` when a chain is described wrongly.
 */
export function planResolvers(spec: NameResolutionSpec, mode: SidecarMode): ResolverPlan {
  const { component, version, configuration, members } = spec;
  if (members !== undefined) return { choices: members, chain: objectOf(configuration) };
  if (component === "") return defaultPlan(configuration, mode);
  if (component.toLowerCase() === "chain") {
    const { members: choices, ...chain } = parseOptions(
      "resolver-chain",
      chainSchema,
      objectOf(configuration),
    );
    return { choices, chain };
  }
  return { choices: [choice(component, version, configuration)], chain: undefined };
}

/** What the log calls a resolver. */
export function labelOf({ component, version }: ResolverChoice): string {
  return `${component}/${version || "v1"}`;
}

/**
 * Multicast is blocked on many machines, so sidecars of one machine also find each other without.
 * What both know is used once, so that nothing changes where mDNS works.
 */
function defaultPlan(configuration: JsonValue | undefined, mode: SidecarMode): ResolverPlan {
  if (mode === "kubernetes") {
    return { choices: [choice("kubernetes", "", configuration)], chain: undefined };
  }
  return {
    choices: [choice("mdns", "", configuration), choice("local")],
    // Under this name the log says what Dapr's log says.
    chain: { name: "mdns", mode: "merged" },
  };
}

function choice(component: string, version = "", configuration?: JsonValue): ResolverChoice {
  return { component, version: version || "v1", configuration, timeoutMs: undefined };
}

/** Settings that are no map are left to the schema to refuse. */
function objectOf(value: JsonValue | undefined): ChainOptions {
  if (value === undefined) return {};
  return isRecord(value) ? value : { configuration: value };
}
