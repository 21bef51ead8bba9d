import { existsSync } from "node:fs";
import nodeModule, { createRequire } from "node:module";

/**
 * Loads the compiled program and runs it under the given name.
 * @param {"outrigger" | "daprd" | "sentry"} program
 */
export async function startCli(program) {
  // Node 22 and later keep compiled code between runs: the sidecar starts sooner.
  nodeModule.enableCompileCache?.();
  const entry = new URL("../dist/main.js", import.meta.url);
  if (!existsSync(entry)) {
    const { name } = createRequire(import.meta.url)("../package.json");
    process.stderr.write(`${name} is not built yet: run \`npm run build\` in the repository\n`);
    process.exit(1);
  }
  const { main } = await import(entry.href);
  await main(program, process.argv.slice(2));
}
