// Builds the servers that tests talk to, each once per version, into a cache outside the tree.
// Zipkin comes as a file.
//   node src/build.ts [consul] [kube-apiserver] [sentry] [daprd] [zipkin]
import { cpSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import {
  buildFlags,
  cachedBinary,
  cacheFolder,
  catalogue,
  executable,
  type GoBuild,
  moduleFolder,
  type ServerName,
  serverNames,
} from "./catalogue.ts";
import { copyDapr } from "./dapr-copy.ts";
import { DownloadFailure, downloadServer } from "./download.ts";
import { findServer } from "./find.ts";
import { GoFailure, go } from "./go.ts";

const buildLimitMs = 900_000;

const wanted = process.argv.slice(2);
const buildable = serverNames.filter((name) => {
  const { build, download } = catalogue[name];
  return build !== undefined || download !== undefined;
});
const unknown = wanted.filter((name) => !buildable.some((other) => other === name));
if (unknown.length > 0) {
  console.error(`cannot build ${unknown.join(", ")}; known are ${buildable.join(", ")}`);
  process.exit(2);
}

// One after the other: the Go tool uses every core, and shares between builds what it has compiled.
const failed: ServerName[] = [];
for (const name of buildable) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  await provide(name).catch((error: unknown) => {
    if (!(error instanceof GoFailure || error instanceof DownloadFailure)) throw error;
    failed.push(name);
    console.error(`${name} NOT BUILT: ${error.message}`);
  });
}
if (failed.length > 0) {
  console.error(`Tests that need ${failed.join(", ")} are skipped; with CI=true they fail.`);
  if (process.env.CI === "true") process.exitCode = 1;
}

async function provide(name: ServerName): Promise<void> {
  const { build, download } = catalogue[name];
  const existing = findServer(name);
  if (existing === undefined && download !== undefined) {
    console.log(`${name} ${download.version}: ${await downloadServer(name, download)}`);
    return;
  }
  if (existing !== undefined || build === undefined) {
    console.log(`${name}: ${existing}`);
    return;
  }
  const begin = Date.now();
  const binary = await buildServer(name, build);
  console.log(`${name} ${build.version}: ${binary}, built in ${Date.now() - begin} ms`);
}

/** Builds aside and renames: a build that is cut off leaves nothing that looks complete. */
async function buildServer(name: ServerName, build: GoBuild): Promise<string> {
  const binary = cachedBinary(name, build);
  const work = makeWorkFolder(name);
  try {
    const module = join(work, "module");
    cpSync(moduleFolder(name), module, { recursive: true });
    if (build.prepare === "dapr-copy") await copyDapr(join(module, "dapr"));
    const made = join(work, executable(name));
    await go(["build", ...buildFlags, "-o", made, build.target], module, buildLimitMs);
    mkdirSync(dirname(binary), { recursive: true });
    renameSync(made, binary);
    return binary;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function makeWorkFolder(name: ServerName): string {
  const parent = cacheFolder();
  if (!existsSync(parent)) mkdirSync(parent, { recursive: true });
  return mkdtempSync(join(parent, `.${name}-`));
}
