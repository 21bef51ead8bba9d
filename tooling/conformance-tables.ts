// `npm run conformance:tables [package...]` runs the conformance suites of the packages and writes the
// results into their READMEs. What a package does to take part:
//
// - it is a resolver, a middleware, the policies, a span exporter, the metrics or the logger (`showsResults` in `conformance-table.ts`), and its
//   suites are in `test/conformance*.test.ts`, each with a `name` of its own (two servers, two names:
//   two columns);
// - its README has a section `## Conformance`, or none: then it is made in front of `## Errors`.
//   The table is put between the markers of `conformance-table.ts`; text around them is left alone.
//
// A suite that cannot run, or a case that fails, writes nothing. Servers that are missing are an
// error, as in CI. `test/conformance-tables.test.ts` tells when a README no longer fits the suite.
import { spawnSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { type CaseOutcome, formatSection, showsResults, withSection } from "./conformance-table.ts";

const workspace = join(import.meta.dirname, "..");
const limitMs = 300_000;

interface Report {
  readonly testResults: readonly {
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName: string;
      readonly meta?: { readonly conformance?: CaseOutcome };
    }[];
  }[];
}

const wanted = process.argv.slice(2);
const suites = globSync("packages/*/test/conformance*.test.ts", { cwd: workspace });
const folders = [
  ...new Set(suites.map((path) => path.replaceAll("\\", "/").split("/test/")[0] ?? "")),
]
  .filter(showsResults)
  .filter((folder) => wanted.length === 0 || wanted.includes(basename(folder)))
  .sort();
let failed = folders.length === 0;
if (failed) console.error(`no suite of ${wanted.join(", ") || "any package"}`);
for (const folder of folders) {
  try {
    const outcomes = runSuites(folder);
    const readme = join(workspace, folder, "README.md");
    writeFileSync(readme, withSection(readFileSync(readme, "utf8"), formatSection(outcomes)));
    run("biome", ["format", "--write", readme]);
    console.log(`${folder}: ${outcomes.length} results`);
  } catch (reason) {
    failed = true;
    console.error(`${folder}: ${reason instanceof Error ? reason.message : reason}`);
  }
}
process.exitCode = failed ? 1 : 0;

function runSuites(folder: string): readonly CaseOutcome[] {
  const output = mkdtempSync(join(tmpdir(), "outrigger-conformance-"));
  try {
    const file = join(output, "report.json");
    const project = ["--project", basename(folder), "test/conformance"];
    run("vitest", ["run", ...project, "--reporter=json", `--outputFile=${file}`]);
    return outcomesOf(JSON.parse(readFileSync(file, "utf8")) as Report);
  } finally {
    rmSync(output, { recursive: true, force: true });
  }
}

function outcomesOf({ testResults }: Report): readonly CaseOutcome[] {
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
  const outcomes = tests.flatMap(({ meta }) => meta?.conformance ?? []);
  if (outcomes.length === 0) throw new Error("the run reported no conformance case");
  return outcomes;
}

function run(command: string, parameters: readonly string[]): void {
  const { status, stdout, stderr, error } = spawnSync(
    join(workspace, "node_modules/.bin", command),
    parameters,
    { cwd: workspace, encoding: "utf8", timeout: limitMs, env: { ...process.env, CI: "true" } },
  );
  if (status === 0) return;
  throw new Error(
    `${command} ${error ?? `ended with ${status}`}\n${stdout}${stderr}`.slice(0, 8_000),
  );
}
