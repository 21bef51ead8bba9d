import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import {
  cachedBinary,
  cachedDownload,
  catalogue,
  executable,
  type ServerName,
} from "./catalogue.ts";

/**
 * Path of a server: the one that its environment variable names, one on the PATH, or one that
 * `npm run servers` has built or downloaded. Undefined when there is none.
 */
export function findServer(
  name: ServerName,
  env: NodeJS.ProcessEnv = process.env,
): string | undefined {
  const { env: variable, onPath, build, download } = catalogue[name];
  const named = env[variable];
  if (named) {
    if (existsSync(named)) return named;
    throw new Error(`${variable} names ${named}, which does not exist`);
  }
  const folders = onPath ? (env.PATH ?? "").split(delimiter) : [];
  const candidates = folders.filter(Boolean).map((folder) => join(folder, executable(name)));
  if (build !== undefined) candidates.push(cachedBinary(name, build));
  if (download !== undefined) candidates.push(cachedDownload(name, download));
  return candidates.find((candidate) => existsSync(candidate));
}

/**
 * Paths of servers for a test, or undefined when one is missing: then the test is skipped, which is
 * said on the terminal. With `CI=true` nothing is skipped silently: a missing server is an error.
 */
export function serversOrSkip<Name extends ServerName>(
  ...names: readonly Name[]
): Readonly<Record<Name, string>> | undefined {
  const found = names.map((name) => [name, findServer(name)] as const);
  const missing = found.filter(([, path]) => path === undefined).map(([name]) => name);
  if (missing.length === 0) return Object.fromEntries(found) as Record<Name, string>;
  const message = `no ${missing.join(", no ")} on this machine: ${missing.map(advice).join("; ")}`;
  if (process.env.CI === "true") throw new Error(message);
  process.stderr.write(`SKIPPED: ${message}\n`);
  return undefined;
}

function advice(name: ServerName): string {
  const { debianPackage, env } = catalogue[name];
  const how =
    debianPackage === undefined ? `npm run servers ${name}` : `apt-get install ${debianPackage}`;
  return `${how}, or set ${env}`;
}
