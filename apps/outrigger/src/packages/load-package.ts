import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { errorText, OutriggerError } from "@outrigger/core";
import semver from "semver";
import { findPackage, type InstalledPackage, isRecord, packageEntry } from "./package-entry.ts";

/** What resource files write before the name of a package. */
export const npmPrefix = "npm:";

/** A package of somebody else, loaded. */
export interface LoadedPackage {
  readonly folder: string;
  readonly exports: Readonly<Record<string, unknown>>;
}

const specifier = /^((?:@[a-z0-9~-][\w.~-]*\/)?[a-z0-9~-][\w.~-]*)((?:\/[\w.~-]+)*)$/i;

/**
 * Loads a package by its name. It is looked for from the working folder, then from the folders of the
 * files that name it, then from here.
 * @param label what errors call it, as typed; it ends with `npm:` and the name.
 * @throws OutriggerError `OTR_OPTIONS_INVALID` that says what to do.
 */
export async function loadPackage(label: string, files: readonly string[]): Promise<LoadedPackage> {
  const typed = label.slice(label.toLowerCase().indexOf(npmPrefix) + npmPrefix.length);
  const [, name = "", subpath = ""] = specifier.exec(typed) ?? [];
  if (name === "") {
    throw invalid(
      `${label}: write ${npmPrefix} and the name of an installed package, without version or path`,
    );
  }
  const places = placesOf(files);
  const found = await find(name, places);
  if (found === undefined) {
    throw invalid(
      `${label}: the package is not installed: run "npm install ${name}" in one of ${places.join(", ")}`,
    );
  }
  checkCore(label, found);
  return { folder: found.folder, exports: await load(label, found, `.${subpath}`) };
}

function placesOf(files: readonly string[]): readonly string[] {
  const own = fileURLToPath(new URL("../..", import.meta.url));
  return [...new Set([process.cwd(), ...files.map((file) => dirname(resolve(file))), own])];
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
function checkCore(label: string, { folder, manifest }: InstalledPackage): void {
  const wanted = coreRange(manifest.peerDependencies) ?? coreRange(manifest.dependencies);
  // Packages of a workspace name each other without a version.
  if (wanted === undefined || semver.validRange(wanted) === null) return;
  const core = coreVersion();
  if (semver.satisfies(core, wanted, { includePrerelease: true })) return;
  throw invalid(
    `${label}: ${folder} is made for @outrigger/core ${wanted}, and this sidecar has ${core}: install a version of the package for @outrigger/core ${semver.major(core)}, or the version of outrigger that it is made for`,
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
  label: string,
  found: InstalledPackage,
  subpath: string,
): Promise<Readonly<Record<string, unknown>>> {
  const entry = packageEntry(found, subpath);
  if (entry === undefined) {
    throw invalid(
      `${label}: ${found.folder} has no entry for import ${subpath}: look at "exports" in its package.json`,
    );
  }
  try {
    const exports: unknown = await import(entry);
    return isRecord(exports) ? exports : {};
  } catch (cause) {
    throw invalid(`${label}: loading ${entry} failed: ${errorText(cause)}`, cause);
  }
}

function invalid(message: string, cause?: unknown): OutriggerError {
  return new OutriggerError(message, { code: "OTR_OPTIONS_INVALID", cause });
}
