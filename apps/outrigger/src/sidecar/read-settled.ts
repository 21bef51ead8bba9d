import { errorText } from "@outrigger/core";
import type { Reading, SidecarResources } from "./read-resources.ts";

/** Why files cannot be read. */
export interface UnreadableFiles {
  readonly problem: string;
}

/** How `readSettled` reads. */
export interface SettledOptions {
  readonly read: () => Promise<Reading>;
  /** True when files that were read since then, in ms since the epoch, are being written. Default: never. */
  readonly isMoving?: (readAt: number) => Promise<boolean>;
  /** True for what is in use already, which needs no second look. */
  readonly isInUse: (resources: SidecarResources) => boolean;
  /** Ends the waiting; the result is then that of the last reading. */
  readonly signal: AbortSignal;
}

const settleMs = 50;

/** Files that never rest are taken as they are in the end, unless they are caught half written. */
const readingLimit = 20;

/**
 * Reads the files until they say the same twice, a moment apart, or what is in use already. A file
 * that is being written is empty for an instant, which must not look like a change.
 */
export async function readSettled({
  isInUse,
  isMoving = async () => false,
  read,
  signal,
}: SettledOptions): Promise<Reading | UnreadableFiles> {
  let readAt = Date.now();
  let reading = await tryToRead(read);
  for (let readings = 1; readings < readingLimit && !signal.aborted; readings += 1) {
    if ("resources" in reading && isInUse(reading.resources)) return reading;
    await new Promise((resolve) => setTimeout(resolve, settleMs));
    const earlier = JSON.stringify(reading);
    readAt = Date.now();
    reading = await tryToRead(read);
    if (JSON.stringify(reading) === earlier && !(await isMoving(readAt))) return reading;
  }
  // Whoever writes goes on, and that is seen as a change again.
  if (!signal.aborted && (await isMoving(readAt))) return { problem: "files are being written" };
  return reading;
}

async function tryToRead(read: () => Promise<Reading>): Promise<Reading | UnreadableFiles> {
  try {
    return await read();
  } catch (reason) {
    return { problem: errorText(reason) };
  }
}
