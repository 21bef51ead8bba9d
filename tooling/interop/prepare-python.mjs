import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const workspace = join(import.meta.dirname, "../..");
const requirements = join(import.meta.dirname, "requirements.txt");
const cache = join(workspace, "node_modules/.cache/interop");
const environment = join(cache, "python");
const stamp = join(environment, ".requirements");
const installLimitMs = 300_000;

/**
 * Makes a Python environment with the pinned packages, or re-uses the one with the same pins.
 * Ends the process when that fails: without Python half of the tests would say nothing.
 * @returns the path of its interpreter
 */
export function preparePython() {
  const python = join(environment, "bin/python");
  const version = run("python3", ["--version"], true).stdout;
  const wanted = createHash("sha256")
    .update(readFileSync(requirements))
    .update(version)
    .digest("hex");
  const made = existsSync(python) && existsSync(stamp) ? readFileSync(stamp, "utf8") : "";
  if (made === wanted) return python;

  console.log(`installing the Python packages of ${requirements}`);
  mkdirSync(cache, { recursive: true });
  rmSync(environment, { recursive: true, force: true });
  run("python3", ["-m", "venv", environment]);
  // --no-deps: what the file does not name is not installed, so a missing pin shows in `pip check`.
  const pip = ["-m", "pip", "--disable-pip-version-check"];
  run(python, [...pip, "install", "-q", "--no-deps", "-r", requirements]);
  run(python, [...pip, "check"]);
  writeFileSync(stamp, wanted);
  return python;
}

function run(command, parameters, quiet = false) {
  const result = spawnSync(command, parameters, {
    stdio: ["ignore", quiet ? "pipe" : "inherit", "inherit"],
    encoding: "utf8",
    timeout: installLimitMs,
  });
  if (result.status !== 0) {
    console.error(`${command} ${parameters.join(" ")}: ${result.error?.message ?? "failed"}`);
    console.error(
      "The interoperability tests need Python 3.10 or later with venv and pip, and PyPI",
    );
    console.error("(Debian: apt-get install python3-venv python3-pip).");
    process.exit(1);
  }
  return result;
}
