import { createRuntime, errorText, type Logger, type Runtime } from "@outrigger/core";
import type { SidecarOptions } from "../flags/sidecar-options.ts";
import type { Environment } from "../flags/validate-options.ts";
import { areBeingWritten } from "./being-written.ts";
import { composeSidecar } from "./compose.ts";
import type { KnownResources } from "./known-resources.ts";
import type { LiveComponents } from "./live-components.ts";
import {
  logReading,
  type Reading,
  readResources,
  type SidecarResources,
} from "./read-resources.ts";
import { readSettled } from "./read-settled.ts";
import { complaintsTo, rehearse } from "./rehearse.ts";
import { logConfiguration } from "./startup-lines.ts";
import type { StopRequests } from "./stop-requests.ts";

/** A life of the sidecar. */
export interface RunningSidecar {
  readonly runtime: Runtime;
  /** What changes while it runs. */
  readonly components: LiveComponents;
}

/** What starting works with beside options. */
export interface StartParts {
  readonly log: Logger;
  /** Gets what the sidecar adds to its own environment. */
  readonly env: Record<string, string | undefined>;
  /** The environment that files are read with. */
  readonly readEnv: Environment;
  readonly stops: StopRequests;
  readonly known: KnownResources;
}

/**
 * Reads the files and starts a runtime with what they say. Files that became unusable since an
 * earlier life of this process cost nothing but themselves: what that life ran with is used again.
 * Returns `undefined` when the signal came first.
 * @throws OutriggerError when the sidecar cannot start.
 */
export async function startRuntime(
  options: SidecarOptions,
  parts: StartParts,
  signal: AbortSignal,
): Promise<RunningSidecar | undefined> {
  const { log } = parts;
  if (!options.enableMtls) {
    log
      .scope("dapr.runtime.security")
      .log("warn", "mTLS is disabled. Skipping certificate request and tls validation");
  }
  for (const warning of options.warnings) log.log("warn", warning);
  try {
    return await startOrFallBack(options, parts, signal);
  } catch (reason) {
    if (signal.aborted) return undefined;
    throw reason;
  }
}

async function startOrFallBack(
  options: SidecarOptions,
  parts: StartParts,
  signal: AbortSignal,
): Promise<RunningSidecar> {
  const { known, log } = parts;
  const resources = await readOrKeep(options, parts, signal);
  const fallback = known.good;
  try {
    return await start(options, resources, parts, signal);
  } catch (reason) {
    if (signal.aborted || fallback === undefined || known.isGood(resources)) throw reason;
    known.reject(resources);
    log.log(
      "error",
      `The sidecar cannot start with the changed configuration and goes back to the last good one: ${errorText(reason)}`,
    );
    return await start(options, fallback, parts, signal);
  }
}

/** What the files say now, or what they said while they could be used. */
async function readOrKeep(
  options: SidecarOptions,
  { known, log, readEnv }: StartParts,
  signal: AbortSignal,
): Promise<SidecarResources> {
  const { good } = known;
  if (good === undefined) {
    const reading = await readResources(options, readEnv);
    logReading(options, reading, log);
    return reading.resources;
  }
  const read = (): Promise<Reading> => readResources(options, readEnv);
  const isInUse = (resources: SidecarResources): boolean => known.isGood(resources);
  const isMoving = (readAt: number): Promise<boolean> => areBeingWritten(options, readAt);
  const offer = known.takeOffer();
  const settled = offer ?? (await readSettled({ read, isInUse, isMoving, signal }));
  const isChecked = offer !== undefined || ("resources" in settled && isInUse(settled.resources));
  const problem =
    "problem" in settled
      ? settled.problem
      : (known.problemOf(settled.resources) ??
        (isChecked
          ? undefined
          : await rehearse(options, settled.resources, { env: readEnv, known })));
  if (!("problem" in settled)) logReading(options, settled, log);
  if (problem === undefined && "resources" in settled) return settled.resources;
  log.log("error", `The changed configuration is not used, the last good one stays: ${problem}`);
  return good;
}

async function start(
  options: SidecarOptions,
  resources: SidecarResources,
  { env, known, log, stops }: StartParts,
  signal: AbortSignal,
): Promise<RunningSidecar> {
  log.log("info", `${options.mode} mode configured`);
  log.log("info", `app id: ${options.appId}`);
  logConfiguration(resources.configuration, env, log);
  const complaints: string[] = [];
  const composed = await composeSidecar(options, resources, {
    env,
    log: complaintsTo(complaints, log),
  });
  const onShutdownRequest = (force: boolean): void => stops.request(force ? "force" : "api");
  const { components } = composed;
  try {
    const runtime = await createRuntime({ ...composed.runtime, onShutdownRequest }, signal);
    if (known.good !== resources) known.accept(resources, complaints);
    return { runtime, components };
  } catch (reason) {
    // They are started already, which the runtime cannot know when it is not even made.
    await components.middleware.stop();
    throw reason;
  }
}
