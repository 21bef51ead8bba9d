import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

const limitMs = 60_000;

/** Time of one resolve and pick from memory, and what a million of them leave on the heap. */
export async function measureResolve({ resolves = 1_000_000 } = {}) {
  const script = join(import.meta.dirname, "resolve-load.mjs");
  const parameters = ["--expose-gc", "--no-warnings", script, String(resolves)];
  const run = promisify(execFile)(process.execPath, parameters, { timeout: limitMs });
  return JSON.parse((await run).stdout);
}
