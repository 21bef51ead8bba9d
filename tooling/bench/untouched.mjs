import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

const limitMs = 120_000;

/** Time of a call that no policy and no middleware touches, without and with their being there. */
export async function measureUntouched({ calls = 400_000 } = {}) {
  const script = join(import.meta.dirname, "untouched-load.mjs");
  const flags = ["--conditions=@outrigger/source", "--no-warnings"];
  const parameters = [...flags, script, String(calls)];
  const run = promisify(execFile)(process.execPath, parameters, { timeout: limitMs });
  return JSON.parse((await run).stdout);
}
