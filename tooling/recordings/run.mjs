// Replays recorded Dapr behaviour against this repo's sidecar and compares the outcome with what
// http.json, grpc.json and runtime.json beside this file expect.
//
//   node tooling/recordings/run.mjs [http] [grpc] [runtime] [--only <regex>] [--json <file>]
//
// The recordings folder (../shared/golden) is not part of the repo: without it nothing is run.
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { judge } from "./judge.mjs";
import { readOutcomes } from "./outcomes.mjs";

const root = join(import.meta.dirname, "../..");
const folder = resolve(root, process.env.OUTRIGGER_RECORDINGS ?? "../shared/golden");
const sidecar = join(root, "apps/outrigger/bin/daprd.js");
const sentry = join(root, "apps/outrigger/bin/sentry.js");
const areas = ["http", "grpc", "runtime"];

const { positionals, values: options } = parseArgs({
  allowPositionals: true,
  options: { only: { type: "string" }, json: { type: "string" }, "limit-s": { type: "string" } },
});
const unknown = positionals.find((area) => !areas.includes(area));
if (unknown !== undefined) {
  console.error(`unknown area ${unknown}; there are ${areas.join(", ")}`);
  process.exit(2);
}
if (!existsSync(folder)) {
  console.log(`RECORDINGS NOT REPLAYED: there is no folder ${folder}`);
  console.log("The recordings of Dapr's behaviour are kept outside the repository.");
  await finish({ passed: 0, failed: 0, pending: 0, deviating: 0 });
}

const scratch = mkdtempSync(join(tmpdir(), "outrigger-recordings-"));
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
const total = { passed: 0, failed: 0, pending: 0, deviating: 0 };
for (const area of positionals.length > 0 ? positionals : areas) {
  const counts = await replay(area);
  for (const key of Object.keys(total)) total[key] += counts[key];
}
await finish(total);

async function replay(area) {
  const started = Date.now();
  const expectation = JSON.parse(readFileSync(join(import.meta.dirname, `${area}.json`), "utf8"));
  const outcomesFile = join(scratch, `${area}-outcomes.json`);
  const deviationsFile = join(scratch, `${area}-deviations.json`);
  writeFileSync(deviationsFile, JSON.stringify(expectation.deviations));
  const parameters = ["--daprd", `${process.execPath} ${sidecar}`];
  if (existsSync(sentry)) parameters.push("--sentry", `${process.execPath} ${sentry}`);
  parameters.push("--deviations", deviationsFile, "--json", outcomesFile);
  const only = selection(expectation.skip ?? {});
  if (only !== undefined) parameters.push("--only", only);

  console.log(`\n== ${area}`);
  const replayer = join(folder, area, "replay.mjs");
  const problem = await runBounded(replayer, parameters, Number(options["limit-s"] ?? 480));
  if (!existsSync(outcomesFile)) {
    console.log(`FAIL ${area}: the replay ended without results (${problem ?? "no file written"})`);
    return { passed: 0, failed: 1, pending: 0, deviating: 0 };
  }
  const outcomes = readOutcomes(JSON.parse(readFileSync(outcomesFile, "utf8")));
  const { counts, lines } = judge(outcomes, expectation);
  for (const line of lines) console.log(line);
  for (const [pattern, reason] of Object.entries(expectation.skip ?? {})) {
    console.log(`not run: ${pattern} (${reason})`);
  }
  const seconds = ((Date.now() - started) / 1_000).toFixed(1);
  console.log(`${area}: ${describe(counts)} in ${seconds} s`);
  return counts;
}

/** Cases to run: those the user asked for, less the skipped ones. */
function selection(skip) {
  const patterns = Object.keys(skip).map((pattern) => `(?:${pattern})`);
  const excluded = patterns.length > 0 ? `^(?!.*(?:${patterns.join("|")}))` : "";
  if (options.only === undefined) return excluded || undefined;
  return `${excluded}${excluded ? ".*" : ""}(?:${options.only})`;
}

/** Runs a replay script. Returns why it failed to end by itself, or undefined. */
function runBounded(script, parameters, limitS) {
  return new Promise((done) => {
    const child = spawn(process.execPath, [script, ...parameters], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text) => {
      output = `${output}${text}`.slice(-4_000);
    });
    const soft = setTimeout(() => child.kill("SIGTERM"), limitS * 1_000);
    const hard = setTimeout(() => child.kill("SIGKILL"), (limitS + 15) * 1_000);
    child.on("error", (error) => done(error.message));
    child.on("close", (code, signal) => {
      clearTimeout(soft);
      clearTimeout(hard);
      if (signal !== null || code > 1) console.log(output);
      done(signal !== null ? `stopped after ${limitS} s` : code > 1 ? `exit ${code}` : undefined);
    });
  });
}

function describe({ passed, failed, pending, deviating }) {
  return `${passed} as recorded, ${deviating} deviate as declared, ${pending} pending, ${failed} failed`;
}

async function finish(counts) {
  const passed = counts.passed + counts.deviating;
  if (options.json) writeFileSync(options.json, JSON.stringify({ ...counts, passed }));
  console.log(`\n${passed} passed, ${counts.failed} failed, ${counts.pending} skipped`);
  process.exit(counts.failed > 0 ? 1 : 0);
}
