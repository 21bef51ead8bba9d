import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { FileOptions } from "./read-resources.ts";

/** Systems stamp files with the time of their last tick. */
const tickMs = 10;

/** Writers empty a file before they fill it: one that was emptied just now may not stay so. */
const emptyForMs = 300;

/**
 * True when a file may have had other content than its writer meant when it was read.
 * @param readAt when the reading began, in ms since the epoch.
 */
export async function areBeingWritten(
  { configFiles, resourcesPaths }: FileOptions,
  readAt: number,
): Promise<boolean> {
  const names = await Promise.all(resourcesPaths.map(yamlFiles));
  const files = [...configFiles, ...names.flat()];
  const found = await Promise.all(files.map((file) => isBeingWritten(file, readAt)));
  return found.includes(true);
}

async function yamlFiles(directory: string): Promise<readonly string[]> {
  const names = await readdir(directory).catch(() => []);
  return names.filter((name) => /\.ya?ml$/i.test(name)).map((name) => join(directory, name));
}

async function isBeingWritten(file: string, readAt: number): Promise<boolean> {
  const stats = await stat(file).catch(() => undefined);
  if (stats === undefined) return false;
  const { mtimeMs, size } = stats;
  // Clocks of file servers may be ahead for ever.
  if (mtimeMs > Date.now() + tickMs) return false;
  return mtimeMs > readAt - (size === 0 ? emptyForMs : tickMs);
}
