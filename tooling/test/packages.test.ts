import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CommandResult, runCommand } from "./run-command.ts";
import { packages, type WorkspacePackage, workspace } from "./workspace.ts";

// What npm users get: packs every package, checks the tarballs, and uses two from a plain project.

interface Verdict {
  readonly pack: CommandResult;
  readonly publint: CommandResult;
  readonly types: CommandResult;
}

const scratch = mkdtempSync(join(tmpdir(), "outrigger-packages-"));
let build: CommandResult | undefined;
const verdicts = new Map<string, Verdict>();
const bin = (name: string) => join(workspace, "node_modules", ".bin", name);

beforeAll(async () => {
  build = await runCommand(process.execPath, ["tooling/build.mjs"], {
    cwd: workspace,
    limitMs: 120_000,
  });
  const queue = [...packages];
  const work = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      verdicts.set(next.manifest.name, await inspect(next));
    }
  };
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), 4) }, work));
}, 300_000);

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

async function inspect(owner: WorkspacePackage): Promise<Verdict> {
  const tarball = tarballOf(owner);
  const limits = { cwd: join(workspace, owner.folder), limitMs: 60_000 };
  const pack = await runCommand(bin("pnpm"), ["pack", "--out", tarball], limits);
  const publint = await runCommand(bin("publint"), ["run", tarball, "--strict"], limits);
  const types = await runCommand(bin("attw"), [tarball, "--profile", "esm-only"], limits);
  return { pack, publint, types };
}

function tarballOf({ manifest }: WorkspacePackage): string {
  return join(scratch, `${manifest.name.replace("@", "").replace("/", "-")}.tgz`);
}

test("everything compiles", () => {
  expect(build?.code, build?.output).toBe(0);
});

test.for(packages.map(({ manifest }) => manifest.name))("%s packs cleanly", (name) => {
  const verdict = verdicts.get(name);
  for (const result of [verdict?.pack, verdict?.publint, verdict?.types]) {
    expect(result?.code, result?.output).toBe(0);
  }
});

/** Projects with all packages from their tarballs, on a Node.js of their own. */
describe.each(["22", "24"])("in an empty project on Node.js %s", (major) => {
  const project = join(scratch, `node-${major}`);
  const node = join(project, "node_modules/node/bin/node");
  const limits = { cwd: project, limitMs: 60_000, node };

  beforeAll(async () => {
    cpSync(join(workspace, "tooling/consumer-example"), project, { recursive: true });
    for (const name of ["compose-runtime.ts", "run-composed.mjs"]) {
      cpSync(join(workspace, "apps/outrigger/examples", name), join(project, name));
    }
    const quiet = ["--no-audit", "--no-fund", "--prefer-offline"];
    const tarballs = packages.map(tarballOf);
    const parameters = ["install", ...quiet, `node@${major}`, ...tarballs];
    const install = await runCommand("npm", parameters, { cwd: project, limitMs: 240_000 });
    expect(install.code, install.output).toBe(0);
    const version = await runCommand(node, ["--version"], limits);
    expect(version.output).toMatch(new RegExp(`^v${major}\\.`));
  }, 250_000);

  test("npx outrigger demo runs", { timeout: 60_000 }, async () => {
    const run = await runCommand("npx", ["outrigger", "demo", "--orders", "2"], limits);
    expect(run.code, run.output).toBe(0);
    expect(run.output).toContain("order 2");
  });

  test("the library example runs", { timeout: 60_000 }, async () => {
    const run = await runCommand(node, ["run-composed.mjs"], limits);
    expect(run.code, run.output).toBe(0);
    expect(run.output).toContain("POST new accepted");
  });

  test("the conformance example runs", { timeout: 60_000 }, async () => {
    const run = await runCommand("npm", ["test"], limits);
    expect(run.code, run.output).toBe(0);
    expect(run.output).toMatch(/Tests\s+\d+ passed/);
  });
});

test("the example resolver is short", () => {
  const source = readFileSync(join(workspace, "tooling/consumer-example/my-resolver.ts"), "utf8");
  expect(source.trimEnd().split("\n").length).toBeLessThan(40);
});
