import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { errorText, OutriggerError } from "@outrigger/core";

/** A YAML file of a resources directory. */
export interface ResourceFile {
  readonly path: string;
  readonly text: string;
}

/** What lies in the directories. */
export interface ResourceFiles {
  readonly files: readonly ResourceFile[];
  /** Names of files with another ending. */
  readonly others: readonly string[];
}

/**
 * Reads the YAML files of several directories: not recursive, in name order per directory.
 * @throws OutriggerError `OTR_OPTIONS_INVALID` when a directory or file cannot be read.
 */
export async function readResourceFiles(directories: readonly string[]): Promise<ResourceFiles> {
  const files: ResourceFile[] = [];
  const others: string[] = [];
  for (const directory of directories) {
    for (const name of await fileNames(directory)) {
      if (/\.ya?ml$/i.test(name)) files.push(await readOne(join(directory, name)));
      else others.push(name);
    }
  }
  return { files, others };
}

async function fileNames(directory: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true });
    return entries
      .filter((entry) => !entry.isDirectory())
      .map((entry) => entry.name)
      .sort();
  } catch (cause) {
    throw unreadable(directory, cause);
  }
}

async function readOne(path: string): Promise<ResourceFile> {
  try {
    return { path, text: await readFile(path, "utf8") };
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function unreadable(path: string, cause: unknown): OutriggerError {
  return new OutriggerError(`failed to load components: ${path}: ${errorText(cause)}`, {
    code: "OTR_OPTIONS_INVALID",
    cause,
    details: { path },
  });
}

/**
 * Cuts a file into documents where Dapr does: at a newline followed by three dashes, through to the
 * next newline. Dashes on the first line belong to the first document.
 */
export function splitDocuments(text: string): readonly string[] {
  return text.split(/\n---[^\n]*(?:\n|$)/).filter((document) => document.trim() !== "");
}
