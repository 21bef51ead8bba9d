// Compiles every package to dist/. Quick when nothing changed: tsc -b keeps build info per package.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const windows = process.platform === "win32";
const tsc = join(root, "node_modules", ".bin", windows ? "tsc.cmd" : "tsc");
if (!existsSync(tsc)) {
  console.error("the packages are not installed: run `npm run bootstrap` first");
  process.exit(1);
}
const projects = ["conformance", ...foldersOf("packages"), ...foldersOf("apps")];
const build = spawnSync(tsc, ["-b", ...projects], { cwd: root, stdio: "inherit", shell: windows });
process.exit(build.status ?? 1);

function foldersOf(group) {
  return readdirSync(join(root, group))
    .map((name) => `${group}/${name}`)
    .filter((folder) => existsSync(join(root, folder, "tsconfig.json")));
}
