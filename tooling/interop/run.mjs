// Runs the tests with the software of others: builds, prepares Python, starts vitest.
//   node tooling/interop/run.mjs [vitest's options]
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { preparePython } from "./prepare-python.mjs";

const workspace = join(import.meta.dirname, "../..");
const vitest = join(workspace, "node_modules/vitest/vitest.mjs");

run(process.execPath, [join(workspace, "tooling/build.mjs")]);
const python = preparePython();
run(process.execPath, [vitest, "run", "--root", import.meta.dirname, ...process.argv.slice(2)], {
  INTEROP_PYTHON: python,
});

function run(command, parameters, env = {}) {
  const { status } = spawnSync(command, parameters, {
    stdio: "inherit",
    env: { ...process.env, ...env },
  });
  if (status !== 0) process.exit(status ?? 1);
}
