import { readFile } from "node:fs/promises";
import { errorText, OutriggerError } from "@outrigger/core";
import { checkAccessControl } from "./check-access-control.ts";
import type { Configuration } from "./configuration.ts";
import { decodeConfiguration } from "./decode-configuration.ts";
import { Cursor, type Findings } from "./decoder.ts";
import { type Environment, expandEnv } from "./expand-env.ts";
import { mergeTrees, parseYaml, type YamlTree } from "./yaml-tree.ts";

/** Options of `loadConfiguration`. */
export interface LoadConfigurationOptions {
  /** Variables for `$NAME` and `${NAME}` in the files. Default none: every name gives nothing. */
  readonly env?: Environment;
}

/** A Configuration, and what is odd in its files. */
export interface LoadedConfiguration {
  readonly configuration: Configuration;
  /** One line per unknown field: file, place and the name that was probably meant. */
  readonly warnings: readonly string[];
}

/**
 * Reads Configuration files and merges them in order. No file gives the defaults.
 * @throws OutriggerError `OTR_OPTIONS_INVALID` when a file is missing, is no YAML, or has a value of
 *   the wrong type; the message begins as Dapr's does.
 */
export async function loadConfiguration(
  files: readonly string[],
  options: LoadConfigurationOptions = {},
): Promise<LoadedConfiguration> {
  let merged: YamlTree | undefined;
  for (const file of files) {
    const tree = await readTree(file, options.env ?? {});
    if (tree !== undefined) merged = merged === undefined ? tree : mergeTrees(merged, tree);
  }
  const findings: Findings = { problems: [], warnings: [], anyCase: false };
  const configuration = decodeConfiguration(new Cursor(merged, "", findings));
  if (findings.problems.length > 0) throw invalid(findings.problems.join("; "));
  checkAccessControl(configuration.accessControl);
  return { configuration, warnings: findings.warnings };
}

async function readTree(file: string, env: Environment): Promise<YamlTree | undefined> {
  try {
    return await parseYaml(expandEnv(await readFile(file, "utf8"), env), file);
  } catch (cause) {
    throw invalid(`${file}: ${errorText(cause).trim()}`, cause);
  }
}

function invalid(message: string, cause?: unknown): OutriggerError {
  return new OutriggerError(`error loading configuration: ${message}`, {
    code: "OTR_OPTIONS_INVALID",
    cause,
  });
}
