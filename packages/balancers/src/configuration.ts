import { type Balancer, OutriggerError, parseOptions, roundRobin } from "@outrigger/core";
import * as v from "valibot";
import { consistentHash } from "./consistent-hash.ts";
import { leastRequest } from "./least-request.ts";
import { header, headerText, keyMessage, zone, zoneText } from "./options.ts";
import { zoneAware } from "./zone-aware.ts";

const field = "spec.nameResolution.balancer";
const innerNames = ["round-robin", "least-request", "consistent-hash"];
const names = [...innerNames, "zone-aware"];

const simple = [
  v.strictObject({ name: v.literal("round-robin") }, keyMessage({ name: "" })),
  v.strictObject({ name: v.literal("least-request") }, keyMessage({ name: "" })),
  v.strictObject(
    { name: v.literal("consistent-hash"), header },
    keyMessage({ name: "", header: headerText }),
  ),
] as const;

const inner = v.pipe(
  v.unknown(),
  v.transform(named),
  v.variant("name", simple, allowed(innerNames)),
);

const schema = v.variant(
  "name",
  [
    ...simple,
    v.strictObject(
      { name: v.literal("zone-aware"), zone, within: v.optional(inner, "round-robin") },
      keyMessage({ name: "", zone: zoneText, within: "" }),
    ),
  ],
  allowed(names),
);

type Configured = v.InferOutput<typeof schema>;

/**
 * The balancer that `spec.nameResolution.balancer` of a configuration asks for: a name, or an object
 * with a name and the options of that balancer. `undefined` and `null` are round robin.
 * @throws OutriggerError `OTR_OPTIONS_INVALID` that names the field, its value and what is allowed.
 */
export function balancerFromConfiguration(value: unknown): Balancer {
  if (value === undefined || value === null) return roundRobin();
  const input = named(value);
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    const message = `${field}: must be one of ${names.join(", ")}, or an object with such a name`;
    throw new OutriggerError(`${message} (got ${JSON.stringify(value)})`, {
      code: "OTR_OPTIONS_INVALID",
      details: { owner: field },
    });
  }
  return build(parseOptions(field, schema, input));
}

function build(configured: Configured): Balancer {
  switch (configured.name) {
    case "round-robin":
      return roundRobin();
    case "least-request":
      return leastRequest();
    case "consistent-hash":
      return consistentHash({ header: configured.header });
    case "zone-aware":
      return zoneAware({ zone: configured.zone, within: build(configured.within) });
  }
}

/** A name alone is short for an object with nothing else. */
function named(value: unknown): unknown {
  return typeof value === "string" ? { name: value } : value;
}

function allowed(choices: readonly string[]): string {
  return `must be one of ${choices.join(", ")}`;
}
