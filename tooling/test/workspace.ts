import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The part of a package.json that the repo's rules look at. */
export interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly description?: string;
  readonly license?: string;
  readonly type?: string;
  readonly sideEffects?: boolean;
  readonly engines?: Readonly<Record<string, string>>;
  readonly files?: readonly string[];
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly publishConfig?: Readonly<Record<string, unknown>>;
}

/** One package of the workspace. */
export interface WorkspacePackage {
  /** Relative to the workspace, for example `packages/core`. */
  readonly folder: string;
  readonly manifest: Manifest;
  /** Source files, relative to the package. */
  readonly sources: readonly string[];
  /** Text of a file of the package. */
  read(path: string): string;
  has(path: string): boolean;
}

/** Absolute path of the workspace. */
export const workspace: string = join(import.meta.dirname, "../..");

/** Every published package, ordered by folder. */
export const packages: readonly WorkspacePackage[] = globSync(
  ["packages/*/package.json", "apps/*/package.json", "conformance/package.json"],
  { cwd: workspace },
)
  .map((path) => readPackage(path.replaceAll("\\", "/").replace(/\/package\.json$/, "")))
  .filter(({ manifest }) => manifest.private !== true)
  .sort((a, b) => (a.folder < b.folder ? -1 : 1));

function readPackage(folder: string): WorkspacePackage {
  const root = join(workspace, folder);
  const read = (path: string) => readFileSync(join(root, path), "utf8");
  return {
    folder,
    manifest: JSON.parse(read("package.json")) as Manifest,
    sources: globSync("src/**/*.ts", { cwd: root }).map((path) => path.replaceAll("\\", "/")),
    read,
    has: (path) => existsSync(join(root, path)),
  };
}
