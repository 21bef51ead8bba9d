import { chmodSync, cpSync, globSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { moduleFolder } from "./catalogue.ts";
import { go } from "./go.ts";

const downloadLimitMs = 300_000;

/**
 * Copies Dapr's module, and takes out the file that makes a daprd panic which was built without a
 * set of components. The module comes checked: the module of Sentry has its hash in `go.sum`.
 */
export async function copyDapr(target: string): Promise<void> {
  const parameters = ["mod", "download", "-json", "github.com/dapr/dapr"];
  const { Dir: source } = JSON.parse(await go(parameters, moduleFolder("sentry"), downloadLimitMs));
  cpSync(source, target, { recursive: true });
  // Go keeps modules in read-only folders, which only root could change or delete.
  chmodSync(target, 0o755);
  for (const entry of globSync("**/*", { cwd: target, withFileTypes: true })) {
    if (entry.isDirectory()) chmodSync(join(entry.parentPath, entry.name), 0o755);
  }
  const components = join(target, "cmd/daprd/components");
  rmSync(join(components, "zz_notag.go"));
  // What is left is all excluded by build tags, and a package needs one file.
  writeFileSync(join(components, "none.go"), "package components\n");
}
