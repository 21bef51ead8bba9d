import { type ComponentFactory, errorText, type Logger, type Resolver } from "@outrigger/core";
import type { ResolverChainMember, ResolverChainOptions } from "@outrigger/resolver-chain";
import type { Configuration } from "@outrigger/resources";
import type { SidecarMode } from "../flags/sidecar-options.ts";
import { npmPrefix } from "../packages/load-package.ts";
import { builtInResolver } from "./built-in.ts";
import { npmResolver } from "./npm-resolver.ts";
import {
  type ChainOptions,
  labelOf,
  planResolvers,
  type ResolverChoice,
  type ResolverPlan,
} from "./resolver-plan.ts";

/** Where a sidecar runs and which files it was given. */
export interface ResolverSurroundings {
  readonly mode: SidecarMode;
  readonly configFiles: readonly string[];
  /** Of the own server for other sidecars, where it was chosen. */
  readonly internalGrpcPort?: number | undefined;
}

/**
 * The resolver that the Configuration names; the default of the mode when it names none. As in
 * Dapr, one that cannot be made is an error in the log and not the end: the sidecar runs, with the
 * others of the chain if there are some, and invocations say what is missing.
 */
export async function chooseResolver(
  configuration: Configuration,
  surroundings: ResolverSurroundings,
  log: Logger,
): Promise<ComponentFactory<Resolver> | undefined> {
  const { nameResolution } = configuration;
  let plan: ResolverPlan;
  try {
    plan = planResolvers(nameResolution, surroundings.mode);
  } catch (reason) {
    logFailure(log, `${nameResolution.component}/${nameResolution.version}`, reason);
    return undefined;
  }
  const members: ResolverChainMember[] = [];
  for (const choice of plan.choices) {
    try {
      const resolver = await loadResolver(choice, surroundings);
      const { timeoutMs } = choice;
      const name = uniqueName(choice.component, members);
      members.push({ name, resolver, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
    } catch (reason) {
      logFailure(log, labelOf(choice), reason);
    }
  }
  if (plan.chain === undefined || (members.length === 0 && plan.choices.length > 0)) {
    return members[0]?.resolver;
  }
  return chainOf(members, plan.chain, log);
}

/**
 * Loads one resolver.
 * @throws OutriggerError when there is none of this name or its configuration is wrong.
 */
export function loadResolver(
  choice: ResolverChoice,
  { configFiles, internalGrpcPort }: Omit<ResolverSurroundings, "mode">,
): Promise<ComponentFactory<Resolver>> {
  const isPackage = choice.component.toLowerCase().startsWith(npmPrefix);
  return isPackage ? npmResolver(choice, configFiles) : builtInResolver(choice, internalGrpcPort);
}

async function chainOf(
  members: readonly ResolverChainMember[],
  chain: ChainOptions,
  log: Logger,
): Promise<ComponentFactory<Resolver> | undefined> {
  try {
    const { resolverChain } = await import("@outrigger/resolver-chain");
    // Whatever else the Configuration says is refused by the chain's own schema.
    const options: ResolverChainOptions = { ...chain, members };
    return resolverChain(options);
  } catch (reason) {
    logFailure(log, "chain/v1", reason);
    return undefined;
  }
}

/** One registry may be in a chain twice, with different settings. */
function uniqueName(component: string, others: readonly ResolverChainMember[]): string {
  const taken = (name: string) => others.some((other) => other.name === name);
  let name = component;
  for (let index = 2; taken(name); index++) name = `${component}-${index}`;
  return name;
}

function logFailure(log: Logger, label: string, reason: unknown): void {
  log.log(
    "error",
    `[CREATE_COMPONENT_FAILURE]: initialization error occurred for nr (${label}): ${errorText(reason)}`,
  );
}
