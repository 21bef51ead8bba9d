// Makes a clean clone ready: installs the locked packages, the repo's own Node among them.
// Dependency-free; runs on any Node >= 20.11.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const stamp = join(root, "node_modules", ".bootstrapped");
const { packageManager } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const lockfile = createHash("sha256")
  .update(readFileSync(join(root, "pnpm-lock.yaml")))
  .digest("hex");

if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== lockfile) {
  const install = spawnSync("npx", ["--yes", packageManager, "install", "--frozen-lockfile"], {
    cwd: root,
    stdio: "inherit",
    shell: process.platform === "win32",
  });
  if (install.status !== 0) process.exit(install.status ?? 1);
  writeFileSync(stamp, lockfile);
}
