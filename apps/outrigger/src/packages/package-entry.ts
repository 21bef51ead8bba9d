import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** A package as it lies in a `node_modules` folder. */
export interface InstalledPackage {
  readonly folder: string;
  readonly manifest: Readonly<Record<string, unknown>>;
}

/** The first folder of the list that holds the package; `undefined` when none does. */
export async function findPackage(
  name: string,
  folders: readonly string[],
): Promise<InstalledPackage | undefined> {
  for (const parent of folders) {
    const folder = join(parent, name);
    const text = await readFile(join(folder, "package.json"), "utf8").catch(() => undefined);
    if (text === undefined) continue;
    const manifest: unknown = JSON.parse(text);
    if (isRecord(manifest)) return { folder, manifest };
  }
  return undefined;
}

/**
 * Address of what `import` of a package loads. Node resolves names from the importing file only,
 * and these packages are the user's, so the rules for `exports` are followed here
 * (nodejs.org/api/packages.html#package-entry-points).
 * @param subpath `.`, or for example `./resolver`.
 */
export function packageEntry(
  { folder, manifest }: InstalledPackage,
  subpath: string,
): string | undefined {
  const { exports, main } = manifest;
  const file =
    exports === undefined ? withoutExports(main, subpath) : withExports(exports, subpath);
  if (file === undefined) return undefined;
  return pathToFileURL(join(folder, file)).href;
}

function withoutExports(main: unknown, subpath: string): string {
  if (subpath !== ".") return subpath;
  return typeof main === "string" && main !== "" ? main : "index.js";
}

function withExports(exports: unknown, subpath: string): string | undefined {
  const hasSubpaths = isRecord(exports) && Object.keys(exports).some((key) => key.startsWith("."));
  if (!hasSubpaths) return subpath === "." ? target(exports) : undefined;
  return target((exports as Record<string, unknown>)[subpath]);
}

const conditions: readonly string[] = ["node", "import", "module-sync", "default"];

function target(value: unknown): string | undefined {
  if (typeof value === "string") return value.startsWith("./") ? value : undefined;
  if (Array.isArray(value)) return first(value);
  if (!isRecord(value)) return undefined;
  // The order of the package counts, not ours.
  return first(Object.keys(value).flatMap((key) => (conditions.includes(key) ? [value[key]] : [])));
}

function first(values: readonly unknown[]): string | undefined {
  for (const value of values) {
    const found = target(value);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** True for plain objects. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
