import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { workspace } from "./workspace.ts";

const maxNanos = 20_000;
/** A tenth of a byte per resolve: anything that is kept of each one is far more. */
const maxGrowthKilobytes = 512;

test("1,000 apps with 10,000 endpoints resolve from memory in 20 µs, and leave nothing", async () => {
  const script = join(workspace, "tooling/bench/resolve-load.mjs");
  const parameters = ["--expose-gc", "--no-warnings", script, "500000"];
  const { stdout } = await promisify(execFile)(process.execPath, parameters, { timeout: 15_000 });
  const measured = JSON.parse(stdout) as Record<string, number>;
  expect(measured.resolveNanos).toBeGreaterThan(0);
  expect(measured.resolveNanos).toBeLessThan(maxNanos);
  expect(measured.resolveGrowthKilobytes).toBeLessThan(maxGrowthKilobytes);
});
