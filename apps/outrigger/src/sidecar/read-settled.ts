import { errorText } from "@outrigger/core";
import type { SidecarOptions } from "../flags/sidecar-options.ts";
import type { Environment } from "../flags/validate-options.ts";
import type { KnownResources } from "./known-resources.ts";
import { type Reading, readResources } from "./read-resources.ts";

/** Why files cannot be read. */
export interface UnreadableFiles {
  readonly problem: string;
}

const settleMs = 50;

/** Files that never rest are taken as they are in the end: the next change of them is seen too. */
const readingLimit = 20;

/**
 * Reads the files until they say the same twice, a moment apart, or what is in use already. A file
 * that is being written is empty for an instant, which must not look like a change.
 */
export async function readSettled(
  options: SidecarOptions,
  env: Environment,
  known: KnownResources,
  signal: AbortSignal,
): Promise<Reading | UnreadableFiles> {
  let reading = await tryToRead(options, env);
  for (let readings = 1; readings < readingLimit && !signal.aborted; readings += 1) {
    if ("resources" in reading && known.isGood(reading.resources)) break;
    await new Promise((resolve) => setTimeout(resolve, settleMs));
    const earlier = JSON.stringify(reading);
    reading = await tryToRead(options, env);
    if (JSON.stringify(reading) === earlier) break;
  }
  return reading;
}

async function tryToRead(
  options: SidecarOptions,
  env: Environment,
): Promise<Reading | UnreadableFiles> {
  try {
    return await readResources(options, env);
  } catch (reason) {
    return { problem: errorText(reason) };
  }
}
