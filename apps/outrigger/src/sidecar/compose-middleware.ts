import { errorText, type HttpPipeline, type Logger, OutriggerError } from "@outrigger/core";
import type { ComponentDocument, SecretKeyRef } from "@outrigger/resources";
import type { SidecarOptions } from "../flags/sidecar-options.ts";
import type { Environment } from "../flags/validate-options.ts";
import { categoryOf } from "../middleware/component-category.ts";
import { MiddlewareComponents } from "../middleware/middleware-components.ts";
import type { SidecarResources } from "./read-resources.ts";

/** What composing one side of the sidecar needs. */
export interface PipelineParts {
  readonly env: Environment;
  readonly log: Logger;
  /** The user's handlers, when the Configuration lists some. */
  readonly pipeline: HttpPipeline | undefined;
}

/**
 * Loads the components of the resource files and puts those that the Configuration names into its
 * pipelines.
 * @throws OutriggerError in Dapr's words for a component that cannot be loaded, unless it has
 *   `ignoreErrors`.
 */
export async function composeMiddleware(
  options: SidecarOptions,
  { configuration, loaded }: SidecarResources,
  env: Environment,
  log: Logger,
): Promise<MiddlewareComponents> {
  const namespace = env.NAMESPACE ?? "default";
  const { appId } = options;
  const context = { appId, namespace, log, now: Date.now, random: Math.random };
  const sources = { appId, namespace, env, secret: noSecret };
  const components = new MiddlewareComponents(configuration, sources, context);
  const processorLog = log.scope("dapr.runtime.processor");
  try {
    for (const document of loaded?.components ?? []) {
      if (isDenied(document, configuration.deniedComponents, processorLog)) continue;
      await process(document, components, processorLog);
    }
  } catch (reason) {
    await components.stop();
    throw reason;
  }
  components.reportMissing();
  return components;
}

async function process(
  document: ComponentDocument,
  components: MiddlewareComponents,
  log: Logger,
): Promise<void> {
  const { name, type, version } = document;
  const label = `${name} (${type}/${version || "v1"})`;
  const category = categoryOf(type);
  if (category === "out-of-scope") {
    log.log("warn", `Component ${label} is not loaded: Outrigger is for service invocation only`);
    return;
  }
  try {
    if (category === "unknown") {
      throw new OutriggerError(`incorrect type ${type}`, { code: "OTR_OPTIONS_INVALID" });
    }
    await components.add(document);
    log.log("info", `Component loaded: ${label}`);
  } catch (cause) {
    const text = `process component ${name} error: ${errorText(cause)}`;
    if (document.ignoreErrors) {
      log.log("error", `Ignoring error processing component: ${text}`);
      return;
    }
    log.log("error", `Error processing component, daprd will exit gracefully: ${text}`);
    throw new OutriggerError(text, { code: "OTR_OPTIONS_INVALID", cause });
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

function noSecret(store: string, { name, key }: SecretKeyRef): never {
  const where = store === "" ? "no secret store is named" : `secret store ${JSON.stringify(store)}`;
  throw new OutriggerError(
    `secretKeyRef ${JSON.stringify(name)} (key ${JSON.stringify(key)}) cannot be read: ${where}; secret stores are not part of this version`,
    { code: "OTR_OPTIONS_INVALID" },
  );
}
