import { lstat, readdir, readlink } from "node:fs/promises";
import { dirname, join, parse, resolve, sep } from "node:path";

/** Directories to watch; `undefined` takes every name in one, a set only these names. */
export type WatchPoints = ReadonlyMap<string, ReadonlySet<string> | undefined>;

// A chain of links that is longer is a circle.
const linkLimit = 40;

// Links to files elsewhere are followed for so many files; further ones wait for the next full check.
const fileLimit = 100;

/**
 * Every directory in which a change can alter what the paths lead to: the directories themselves,
 * those above, and those of each symbolic link on the way. A mount of a Kubernetes ConfigMap, for
 * example, changes by one link that is swapped. A path that does not exist is awaited in the
 * nearest directory that does.
 */
export async function watchPoints(
  directories: readonly string[],
  files: readonly string[],
): Promise<WatchPoints> {
  const points = new Map<string, Set<string> | undefined>();
  for (const directory of directories) {
    const real = await followPath(resolve(directory), points);
    if (real === undefined) continue;
    points.set(real, undefined);
    for (const link of await linksIn(real)) await followPath(link, points);
  }
  for (const file of files) await followPath(resolve(file), points);
  return points;
}

/** Adds the points of one path. Returns where it leads; `undefined` when it leads nowhere yet. */
async function followPath(
  path: string,
  points: Map<string, Set<string> | undefined>,
): Promise<string | undefined> {
  let rest = path;
  for (let links = 0; links <= linkLimit; links += 1) {
    const step = await firstLink(rest);
    if (step.kind === "plain") {
      addPoint(points, rest);
      return rest;
    }
    addPoint(points, step.path);
    if (step.kind === "missing") return undefined;
    rest = step.leadsTo;
  }
  return undefined;
}

type Step =
  | { readonly kind: "plain" }
  | { readonly kind: "missing"; readonly path: string }
  | { readonly kind: "link"; readonly path: string; readonly leadsTo: string };

/** The first part of a path that is a symbolic link, or is not there. */
async function firstLink(path: string): Promise<Step> {
  const { root } = parse(path);
  const parts = path.slice(root.length).split(sep).filter(Boolean);
  let prefix = root;
  for (const [index, part] of parts.entries()) {
    prefix = join(prefix, part);
    try {
      if (!(await lstat(prefix)).isSymbolicLink()) continue;
      const target = resolve(dirname(prefix), await readlink(prefix));
      return { kind: "link", path: prefix, leadsTo: join(target, ...parts.slice(index + 1)) };
    } catch {
      return { kind: "missing", path: prefix };
    }
  }
  return { kind: "plain" };
}

function addPoint(points: Map<string, Set<string> | undefined>, path: string): void {
  const { base, dir } = parse(path);
  const known = points.get(dir);
  if (known !== undefined) known.add(base);
  else if (!points.has(dir)) points.set(dir, new Set([base]));
}

async function linksIn(directory: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true });
    return entries
      .filter((entry) => entry.isSymbolicLink() && /\.ya?ml$/i.test(entry.name))
      .slice(0, fileLimit)
      .map((entry) => join(directory, entry.name));
  } catch {
    return [];
  }
}
