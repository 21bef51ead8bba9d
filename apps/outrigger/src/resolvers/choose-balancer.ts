import { type Balancer, OutriggerError } from "@outrigger/core";
import type { Configuration } from "@outrigger/resources";
import { functionIn } from "../packages/function-in.ts";

/**
 * The balancer that `nameResolution.balancer` names; `undefined`, which is in turn, when it names
 * none. Dapr has no such setting.
 * @throws OutriggerError `OTR_OPTIONS_INVALID` when there is none of this name or its options are
 *   wrong: calls that are spread otherwise than was asked for could go unnoticed for long.
 */
export async function chooseBalancer(configuration: Configuration): Promise<Balancer | undefined> {
  const { balancer } = configuration.nameResolution;
  if (balancer === undefined) return undefined;
  const make = functionIn(await import("@outrigger/balancers"), "balancerFromConfiguration");
  const made = make?.(balancer);
  if (isBalancer(made)) return made;
  throw new OutriggerError("nameResolution.balancer: this version of Outrigger has no balancers", {
    code: "OTR_OPTIONS_INVALID",
  });
}

function isBalancer(value: unknown): value is Balancer {
  return typeof value === "object" && value !== null && "select" in value;
}
