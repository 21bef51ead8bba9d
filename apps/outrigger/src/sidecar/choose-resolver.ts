import {
  type ComponentFactory,
  errorText,
  isOutriggerError,
  type Logger,
  type Resolver,
} from "@outrigger/core";
import { type ResolverMdnsOptions, resolverMdns } from "@outrigger/resolver-mdns";
import type { Configuration } from "@outrigger/resources";

/** Resolvers by the names that a Configuration uses. Options are checked by the package itself. */
const resolvers: Readonly<Record<string, (options: object) => ComponentFactory<Resolver>>> = {
  mdns: (options) => resolverMdns(options as ResolverMdnsOptions),
};

/**
 * The resolver that the Configuration names; mDNS when it names none. As in Dapr, an unknown one is
 * an error in the log and not the end: the sidecar runs, and invocations say what is missing.
 */
export function chooseResolver(
  configuration: Configuration,
  log: Logger,
): ComponentFactory<Resolver> | undefined {
  const { component, version, configuration: settings } = configuration.nameResolution;
  const name = component || "mdns";
  const label = `${name}/${version || "v1"}`;
  const create = resolvers[name.toLowerCase()];
  if (create === undefined) {
    logFailure(log, label, `couldn't find name resolver ${label}`);
    return undefined;
  }
  try {
    return create(isObject(settings) ? settings : {});
  } catch (reason) {
    if (!isOutriggerError(reason, "OTR_OPTIONS_INVALID")) throw reason;
    logFailure(log, label, errorText(reason));
    return undefined;
  }
}

function logFailure(log: Logger, label: string, text: string): void {
  log.log(
    "error",
    `[CREATE_COMPONENT_FAILURE]: initialization error occurred for nr (${label}): ${text}`,
  );
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
