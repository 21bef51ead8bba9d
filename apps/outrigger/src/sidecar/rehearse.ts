import {
  type Component,
  type ComponentContext,
  type ComponentFactory,
  errorText,
  type Logger,
  silentLogger,
} from "@outrigger/core";
import type { LeveledLogger } from "@outrigger/logging";
import type { SidecarOptions } from "../flags/sidecar-options.ts";
import type { Environment } from "../flags/validate-options.ts";
import { chooseBalancer } from "../resolvers/choose-balancer.ts";
import { chooseResolver } from "../resolvers/choose-resolver.ts";
import { composeApp } from "./compose-app.ts";
import { composeComponents } from "./compose-components.ts";
import { composeEgress } from "./compose-egress.ts";
import { composeIngresses } from "./compose-ingresses.ts";
import { composeResiliency } from "./compose-resiliency.ts";
import { composeSecurity } from "./compose-security.ts";
import { composeTracing } from "./compose-tracing.ts";
import type { KnownResources } from "./known-resources.ts";
import { isLeveled } from "./leveled-log.ts";
import type { SidecarResources } from "./read-resources.ts";

/** What a rehearsal works with beside options. */
export interface RehearsalParts {
  readonly env: Environment;
  readonly known: KnownResources;
}

/**
 * Makes a sidecar of changed files, beside the one that runs, and throws it away. Returns why it
 * would not start, or what it would complain of that the running one did not: a policy that is left
 * out is no better than a sidecar that does not start. `undefined`: the files are fit for use.
 */
export async function rehearse(
  options: SidecarOptions,
  resources: SidecarResources,
  { env, known }: RehearsalParts,
): Promise<string | undefined> {
  const complaints: string[] = [];
  try {
    await compose(options, resources, { ...env }, complaintsTo(complaints, silentLogger));
  } catch (reason) {
    return errorText(reason);
  }
  const news = known.newComplaints(complaints, resources);
  return news.length === 0 ? undefined : news.join("; ");
}

/** The same log, which also collects its errors. What passes at every level still does. */
export function complaintsTo(complaints: string[], log: Logger): Logger {
  const collecting: Logger = {
    log: (level, text, fields) => {
      if (level === "error") complaints.push(text);
      log.log(level, text, fields);
    },
    enabled: (level) => log.enabled(level),
    scope: (name) => complaintsTo(complaints, log.scope(name)),
  };
  if (!isLeveled(log)) return collecting;
  const withLevel: LeveledLogger["withLevel"] = (level) => log.withLevel(level);
  const leveled: Logger & Pick<LeveledLogger, "withLevel"> = { ...collecting, withLevel };
  return leveled;
}

async function compose(
  options: SidecarOptions,
  resources: SidecarResources,
  env: Environment,
  log: Logger,
): Promise<void> {
  const { configuration } = resources;
  composeTracing(configuration.tracing, env);
  await chooseResolver(configuration, options, log);
  await chooseBalancer(configuration);
  const { middleware, secrets } = await composeComponents(options, resources, env, { log });
  try {
    const { httpPipeline, appHttpPipeline } = middleware;
    composeApp(options, configuration, { env, log, pipeline: appHttpPipeline });
    composeIngresses(options, configuration, {
      ...{ env, log, pipeline: httpPipeline },
      routes: (next) => next,
    });
    const { accessPolicy } = composeSecurity(options, configuration, env);
    const parts = { env, log, pipeline: appHttpPipeline, secrets };
    const { egress } = composeEgress(options, resources, parts);
    const { resiliency } = await composeResiliency(options, resources, { log });
    const namespace = env.NAMESPACE ?? "default";
    const now = { now: Date.now, random: Math.random };
    const context = { appId: options.appId, namespace, log, ...now };
    for (const factory of [accessPolicy, egress, resiliency]) await makeOnce(factory, context);
  } finally {
    await middleware.stop();
  }
}

async function makeOnce(
  factory: ComponentFactory<Component> | undefined,
  context: ComponentContext,
): Promise<void> {
  await factory?.(context).stop?.();
}
