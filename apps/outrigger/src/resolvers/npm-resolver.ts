import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { errorText, OutriggerError } from "@outrigger/core";
import semver from "semver";
import { guardedResolver } from "./guarded-resolver.ts";
import { findPackage, type InstalledPackage, isRecord, packageEntry } from "./package-entry.ts";
import { functionIn, makeResolver, type ResolverMaker } from "./resolver-maker.ts";
import { labelOf, type ResolverChoice } from "./resolver-plan.ts";

/** What a Configuration writes before the name of a package. */
export const npmPrefix = "npm:";

const specifier = /^((?:@[a-z0-9~-][\w.~-]*\/)?[a-z0-9~-][\w.~-]*)((?:\/[\w.~-]+)*)$/i;

/**
 * Loads a resolver from any package: one that exports a function `resolver(options)`. It is looked
 * for from the working folder, then from the folders of the Configuration files, then from here.
 * @throws OutriggerError `OTR_OPTIONS_INVALID` that says what to do.
 */
export async function npmResolver(
  choice: ResolverChoice,
  configFiles: readonly string[],
): Promise<ResolverMaker> {
  const match = specifier.exec(choice.component.slice(npmPrefix.length));
  const [, name = "", subpath = ""] = match ?? [];
  if (name === "") {
    throw invalid(
      `${choice.component}: write ${npmPrefix} and the name of an installed package, without version or path`,
    );
  }
  const places = placesOf(configFiles);
  const found = await find(name, places);
  if (found === undefined) {
    throw invalid(
      `${choice.component}: the package is not installed: run "npm install ${name}" in one of ${places.join(", ")}`,
    );
  }
  checkCore(choice, found);
  const exports = await load(choice, found, `.${subpath}`);
  const factory = functionIn(exports, "resolver");
  if (factory === undefined) {
    const names = Object.keys(exports).join(", ") || "nothing";
    throw invalid(
      `${choice.component}: ${found.folder} exports no function named resolver (it exports ${names}): it is no resolver package, or it must add "export { yourFactory as resolver }"`,
    );
  }
  const label = labelOf(choice);
  const make = makeResolver(label, factory, choice.configuration ?? {});
  return (context) => guardedResolver(make(context), label, context.log);
}

function placesOf(configFiles: readonly string[]): readonly string[] {
  const own = fileURLToPath(new URL("../..", import.meta.url));
  return [...new Set([process.cwd(), ...configFiles.map((file) => dirname(resolve(file))), own])];
}

async function find(
  name: string,
  places: readonly string[],
): Promise<InstalledPackage | undefined> {
  for (const place of places) {
    const folders = createRequire(join(place, "resolve.js")).resolve.paths(name) ?? [];
    const found = await findPackage(name, folders);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The contract changes with the major version of core: a package must be made for this one. */
function checkCore(choice: ResolverChoice, { folder, manifest }: InstalledPackage): void {
  const wanted = coreRange(manifest.peerDependencies) ?? coreRange(manifest.dependencies);
  // Packages of a workspace name each other without a version.
  if (wanted === undefined || semver.validRange(wanted) === null) return;
  const core = coreVersion();
  if (semver.satisfies(core, wanted, { includePrerelease: true })) return;
  throw invalid(
    `${choice.component}: ${folder} is made for @outrigger/core ${wanted}, and this sidecar has ${core}: install a version of the package for @outrigger/core ${semver.major(core)}, or the version of outrigger that it is made for`,
  );
}

function coreRange(dependencies: unknown): string | undefined {
  const range = isRecord(dependencies) ? dependencies["@outrigger/core"] : undefined;
  return typeof range === "string" ? range : undefined;
}

function coreVersion(): string {
  const manifest: unknown = createRequire(import.meta.url)("@outrigger/core/package.json");
  return isRecord(manifest) ? String(manifest.version) : "0.0.0";
}

async function load(
  choice: ResolverChoice,
  found: InstalledPackage,
  subpath: string,
): Promise<Readonly<Record<string, unknown>>> {
  const entry = packageEntry(found, subpath);
  if (entry === undefined) {
    throw invalid(
      `${choice.component}: ${found.folder} has no entry for import ${subpath}: look at "exports" in its package.json`,
    );
  }
  try {
    const exports: unknown = await import(entry);
    return isRecord(exports) ? exports : {};
  } catch (cause) {
    throw invalid(`${choice.component}: loading ${entry} failed: ${errorText(cause)}`, cause);
  }
}

function invalid(message: string, cause?: unknown): OutriggerError {
  return new OutriggerError(message, { code: "OTR_OPTIONS_INVALID", cause });
}
