import {
  type ComponentDescription,
  errorText,
  type HttpPipeline,
  type Logger,
  OutriggerError,
} from "@outrigger/core";
import type { Metrics } from "@outrigger/metrics-prometheus";
import {
  type ComponentDocument,
  componentValues,
  type MetadataSources,
} from "@outrigger/resources";
import type { SidecarOptions } from "../flags/sidecar-options.ts";
import type { Environment } from "../flags/validate-options.ts";
import { categoryOf } from "../middleware/component-category.ts";
import { MiddlewareComponents } from "../middleware/middleware-components.ts";
import { LocalSecrets, localStoreTypes } from "../secrets/local-secrets.ts";
import type { SidecarResources } from "./read-resources.ts";

/** What composing one side of the sidecar needs. */
export interface PipelineParts {
  readonly env: Environment;
  readonly log: Logger;
  /** The user's handlers, when the Configuration lists some. */
  readonly pipeline: HttpPipeline | undefined;
  /** `undefined`: nothing is measured. */
  readonly metrics?: Metrics | undefined;
}

/** What the Component documents gave. */
export interface ComposedComponents {
  readonly middleware: MiddlewareComponents;
  readonly secrets: LocalSecrets;
  /** What the metadata route lists. */
  readonly descriptions: readonly ComponentDescription[];
}

/**
 * Loads the components of the resource files and puts those that the Configuration names into its
 * pipelines. Secret stores come first: others refer to them.
 * @throws OutriggerError in Dapr's words for a component that cannot be loaded, unless it has
 *   `ignoreErrors`.
 */
export async function composeComponents(
  options: SidecarOptions,
  { configuration, loaded }: SidecarResources,
  env: Environment,
  { log, metrics }: Pick<PipelineParts, "log" | "metrics">,
): Promise<ComposedComponents> {
  const namespace = env.NAMESPACE ?? "default";
  const { appId } = options;
  const secrets = new LocalSecrets(env);
  const secret: MetadataSources["secret"] = (store, ref) => secrets.find(store, ref);
  const sources = { appId, namespace, env, secret };
  const context = { appId, namespace, log, now: Date.now, random: Math.random };
  const middleware = new MiddlewareComponents(configuration, sources, context);
  const stores: ComponentDescription[] = [];
  const scope = log.scope("dapr.runtime.processor");
  const parts = { middleware, secrets, stores, sources, log: scope, metrics };
  const denied = configuration.deniedComponents;
  const documents = (loaded?.components ?? []).filter(
    (document) => !isDenied(document, denied, parts.log),
  );
  try {
    for (const document of documents) if (isLocalStore(document)) await process(document, parts);
    for (const document of documents) if (!isLocalStore(document)) await process(document, parts);
  } catch (reason) {
    await middleware.stop();
    throw reason;
  }
  middleware.reportMissing();
  return { middleware, secrets, descriptions: [...stores, ...middleware.descriptions()] };
}

function isLocalStore({ type }: ComponentDocument): boolean {
  return localStoreTypes.includes(type.toLowerCase());
}

interface ProcessParts extends Pick<ComposedComponents, "middleware" | "secrets"> {
  readonly stores: ComponentDescription[];
  readonly sources: MetadataSources;
  readonly log: Logger;
  readonly metrics: Metrics | undefined;
}

async function process(document: ComponentDocument, parts: ProcessParts): Promise<void> {
  const { name, type, version } = document;
  const { log, metrics } = parts;
  const label = `${name} (${type}/${version || "v1"})`;
  if (!isLocalStore(document) && categoryOf(type) === "out-of-scope") {
    log.log("warn", `Component ${label} is not loaded: Outrigger is for service invocation only`);
    return;
  }
  try {
    await load(document, parts);
    log.log("info", `Component loaded: ${label}`);
    metrics?.start.componentLoaded();
    metrics?.start.componentInitialized(type);
  } catch (cause) {
    const isUnknown = !isLocalStore(document) && categoryOf(type) !== "middleware";
    metrics?.start.componentFailed(type, name, isUnknown ? "creation" : "init");
    const text = `process component ${name} error: ${errorText(cause)}`;
    if (document.ignoreErrors) {
      log.log("error", `Ignoring error processing component: ${text}`);
      return;
    }
    log.log("error", `Error processing component, daprd will exit gracefully: ${text}`);
    throw new OutriggerError(text, { code: "OTR_OPTIONS_INVALID", cause });
  }
}

async function load(
  document: ComponentDocument,
  { middleware, secrets, stores, sources, log }: ProcessParts,
): Promise<void> {
  const { name, type, version } = document;
  if (isLocalStore(document)) {
    const { values, warnings } = componentValues(document, sources);
    for (const warning of warnings) log.log("warn", warning);
    await secrets.add(name, type.toLowerCase(), values);
    stores.push({ name, type, version, capabilities: [] });
  } else if (categoryOf(type) === "middleware") {
    await middleware.add(document);
  } else {
    throw new OutriggerError(`incorrect type ${type}`, { code: "OTR_OPTIONS_INVALID" });
  }
}

/** `components.deny` of the Configuration: types, with or without a version. */
function isDenied(
  { name, type, version }: ComponentDocument,
  denied: readonly string[],
  log: Logger,
): boolean {
  if (denied.length === 0) return false;
  const isNamed = denied.some((entry) => entry === type || entry === `${type}/${version}`);
  if (type !== "" && version !== "" && !isNamed) return false;
  log.log("warn", `Component ${name} (${type}/${version}) is not loaded: its type is denied`);
  return true;
}
