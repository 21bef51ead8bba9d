// Compiles every package to dist/. Quick when nothing changed: tsc -b keeps build info per package.
import { spawnSync } from "node:child_process";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const tsc = join(root, "node_modules", ".bin", process.platform === "win32" ? "tsc.cmd" : "tsc");
const projects = ["conformance", "apps/outrigger"];
const build = spawnSync(tsc, ["-b", ...projects], {
  cwd: root,
  stdio: "inherit",
  shell: process.platform === "win32",
});
process.exit(build.status ?? 1);
