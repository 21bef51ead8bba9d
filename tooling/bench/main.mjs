// Measures a call between two sidecars on this machine. `npm run bench -- --help` tells the options.
import { existsSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startApp } from "./app.mjs";
import { isolate } from "./isolate.mjs";
import { chooseLoad } from "./load.mjs";
import { measurePair } from "./measure.mjs";
import { stopAll } from "./processes.mjs";
import { ownScenarios, scenarios } from "./scenarios.mjs";
import { formatTable, medians } from "./table.mjs";

const smallPost = "post";
const usage = `npm run bench -- [options]

Two sidecars, an app behind one of them, a load generator in front of the other.
Each round starts fresh sidecars; the table shows medians over the rounds.

  --against "<command>"  measure this daprd-compatible command too, and print ratios
  --seconds <n>          load per round, after a warm-up of half of it (default 5)
  --rounds <n>           rounds per command (default 3)
  --connections <n>      concurrent connections (default 16)
  --scenarios <names>    any of ${[smallPost, ...Object.keys(scenarios)].join(", ")}; default all
  --json <file>          write every round's numbers`;

const { values: options } = parseArgs({
  options: {
    against: { type: "string" },
    seconds: { type: "string", default: "5" },
    rounds: { type: "string", default: "3" },
    connections: { type: "string", default: "16" },
    scenarios: { type: "string" },
    json: { type: "string" },
    help: { type: "boolean" },
  },
});
if (options.help) {
  console.log(usage);
  process.exit(0);
}
const [seconds, rounds, connections] = ["seconds", "rounds", "connections"].map(wholeNumber);

const chosen = chooseScenarios();

const root = join(import.meta.dirname, "../..");
const contenders = [
  { name: "outrigger", command: [process.execPath, join(root, "apps/outrigger/bin/daprd.js")] },
];
if (options.against !== undefined) {
  contenders.push({ name: "against", command: options.against.trim().split(/\s+/) });
}
if (!existsSync(join(root, "apps/outrigger/dist/main.js"))) {
  console.error("the sidecar is not built: run `npm run build` first");
  process.exit(1);
}

isolate(); // from here on inside a network namespace, where that is possible

const limitMs = contenders.length * rounds * chosen.length * (seconds * 3 + 90) * 1_000 + 60_000;
const watchdog = setTimeout(() => end(`gave up after ${limitMs / 1_000} s`), limitMs);
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => void end(`got ${signal}`));

const measurements = Object.fromEntries(contenders.map(({ name }) => [name, []]));
try {
  const load = chooseLoad({ connections });
  const app = await startApp();
  console.log(`app: ${app.kind}; load: ${load.kind}; ${connections} connections, 1 KB POST`);
  console.log(`${rounds} rounds of ${seconds} s; ${availableParallelism()} processors\n`);
  const direct = await load.run(`http://127.0.0.1:${app.port}/bench`, Math.min(seconds, 3));
  console.log(`app without sidecars: ${Math.round(direct.perSecond)} requests/s`);
  for (let round = 1; round <= rounds; round += 1) {
    // Alternating, so that a machine that slows down does so for all.
    for (const { name, command } of contenders) {
      const result = {};
      for (const scenario of chosen) {
        if (name !== "outrigger" && ownScenarios.has(scenario)) continue;
        const measure = scenario === smallPost ? measurePair : scenarios[scenario];
        Object.assign(result, await measure({ command, app, load, seconds, connections }));
      }
      measurements[name].push(result);
      console.log(`round ${round} ${name}: ${chosen.join(", ")}`);
    }
  }
  console.log(`\n${formatTable(medians(measurements))}`);
  if (options.json) writeFileSync(options.json, JSON.stringify(measurements, null, 1));
  await end();
} catch (error) {
  await end(error.message);
}

function wholeNumber(name) {
  const number = Number(options[name]);
  if (!Number.isInteger(number) || number < 1 || number > 1_000) {
    console.error(`--${name} must be a whole number from 1 to 1000\n\n${usage}`);
    process.exit(2);
  }
  return number;
}

function chooseScenarios() {
  const known = [smallPost, ...Object.keys(scenarios)];
  const names = options.scenarios?.split(",") ?? known;
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length === 0) return names;
  console.error(`no scenario ${unknown.join(", ")}\n\n${usage}`);
  process.exit(2);
}

async function end(problem) {
  clearTimeout(watchdog);
  await stopAll();
  if (problem !== undefined) console.error(`bench: ${problem}`);
  process.exit(problem === undefined ? 0 : 1);
}
