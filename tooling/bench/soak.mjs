// Many calls with many paths and app ids through two sidecars: memory has to stay flat, and the number
// of series bounded. `npm run soak -- --calls 1000000`; ends by itself.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startApp } from "./app.mjs";
import { isolate } from "./isolate.mjs";
import { freePorts, residentMegabytes, start, stopAll, waitFor } from "./processes.mjs";

const { values } = parseArgs({
  options: {
    calls: { type: "string", default: "1000000" },
    paths: { type: "string", default: "10000" },
    apps: { type: "string", default: "500" },
    connections: { type: "string", default: "16" },
    profile: { type: "string" }, // folder for a CPU profile of each sidecar
  },
});
const [calls, paths, apps, connections] = ["calls", "paths", "apps", "connections"].map(
  wholeNumber,
);
/** Growth after the first fifth that counts as flat, in MB: a heap breathes. */
const allowedGrowth = 30;
/** Bound of series of one family (`maxSeries`), and lines that histograms have for each. */
const maxSeries = 2_001;

isolate();
const limit = setTimeout(() => void end("gave up after 30 minutes"), 30 * 60_000);
const folder = mkdtempSync(join(tmpdir(), "outrigger-soak-"));
const sidecar = join(import.meta.dirname, "../../apps/outrigger/bin/daprd.js");
const agent = new Agent({ keepAlive: true, maxSockets: connections });

try {
  const app = await startApp();
  const [internal, ...ports] = await freePorts(7);
  const config = writeConfig(internal);
  const callee = await run("soak-callee", ports.slice(0, 3), {
    config,
    "app-port": app.port,
    "dapr-internal-grpc-port": internal,
  });
  const caller = await run("soak-caller", ports.slice(3), { config });
  const first = `http://127.0.0.1:${caller.http}/v1.0/invoke/app-0/method/x`;
  await waitFor(caller.handle, first, 200, { everyMs: 100 });
  const failures = await soak(caller, callee);
  if (failures > 0) throw new Error(`${failures} calls failed`);
  await end();
} catch (error) {
  await end(error.message);
}

async function soak(caller, callee) {
  let sent = 0;
  let failures = 0;
  const marks = [];
  const startedAt = performance.now();
  const mark = () => {
    marks.push([caller, callee].map(({ handle }) => residentMegabytes(handle.pid)));
    const [one, other] = marks.at(-1).map((megabytes) => megabytes.toFixed(0));
    const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0);
    console.log(`${sent} calls, ${seconds} s: RSS ${one} MB caller, ${other} MB callee`);
  };
  const lane = async () => {
    while (sent < calls) {
      const number = sent;
      sent += 1;
      if (number % Math.ceil(calls / 10) === 0 && number > 0) mark();
      const path = `/v1.0/invoke/app-${number % apps}/method/p/${(number * 7) % paths}`;
      if ((await status(caller.http, path)) !== 200) failures += 1;
    }
  };
  await Promise.all(Array.from({ length: connections }, lane));
  mark();
  check(marks);
  for (const { metrics } of [caller, callee]) await checkSeries(metrics);
  return failures;
}

function check(marks) {
  const base = marks[Math.max(0, Math.floor(marks.length / 5) - 1)];
  marks.at(-1).forEach((megabytes, index) => {
    const growth = megabytes - base[index];
    console.log(
      `${index === 0 ? "caller" : "callee"}: ${growth.toFixed(1)} MB more than after a fifth`,
    );
    if (growth > allowedGrowth) throw new Error(`memory grew by ${growth.toFixed(1)} MB`);
  });
}

async function checkSeries(port) {
  const text = await (await fetch(`http://127.0.0.1:${port}/`)).text();
  const families = new Map();
  for (const line of text.split("\n")) {
    const name = /^(dapr_\w+?)(?:_bucket|_sum|_count)?\{/.exec(line)?.[1];
    if (name === undefined || /_(?:bucket|sum)\{/.test(line)) continue;
    families.set(name, (families.get(name) ?? 0) + 1);
  }
  const [name, most] = [...families].sort((a, b) => b[1] - a[1])[0] ?? ["none", 0];
  console.log(
    `port ${port}: ${(text.length / 1e6).toFixed(1)} MB of metrics, most series: ${name} ${most}`,
  );
  if (most > maxSeries) throw new Error(`${name} has ${most} series`);
}

function status(port, path) {
  return new Promise((resolve) => {
    const outgoing = request(
      { host: "127.0.0.1", port, path, method: "POST", agent },
      (response) => {
        response.resume().on("end", () => resolve(response.statusCode));
        response.on("error", () => resolve(undefined));
      },
    );
    outgoing.on("error", () => resolve(undefined));
    outgoing.end("x".repeat(64));
  });
}

/** Every app id is the same callee. */
function writeConfig(port) {
  const list = Array.from(
    { length: apps },
    (_, index) => `        app-${index}: ["127.0.0.1:${port}"]`,
  );
  const file = join(folder, "config.yaml");
  const base = readFileSync(join(import.meta.dirname, "loopback.yaml"), "utf8");
  const head = base.slice(0, base.indexOf("    component:"));
  writeFileSync(
    file,
    `${head}    component: static\n    configuration:\n      apps:\n${list.join("\n")}\n`,
  );
  return file;
}

async function run(appId, [http, grpc, metrics], extra) {
  const flags = {
    "app-id": appId,
    "dapr-http-port": http,
    "dapr-grpc-port": grpc,
    "metrics-port": metrics,
    "metrics-listen-address": "127.0.0.1",
    "dapr-listen-addresses": "127.0.0.1",
    "log-level": "error",
    ...extra,
  };
  const parameters = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
  const profile =
    values.profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${values.profile}`];
  const handle = start([process.execPath, ...profile, sidecar, ...parameters], {
    env: { DAPR_HOST_IP: "127.0.0.1" },
  });
  await waitFor(handle, `http://127.0.0.1:${http}/v1.0/healthz`, 204);
  return { handle, http, metrics };
}

function wholeNumber(name) {
  const number = Number(values[name]);
  if (Number.isInteger(number) && number >= 1 && number <= 10_000_000) return number;
  console.error(`--${name} must be a whole number from 1 to 10000000`);
  process.exit(2);
}

async function end(problem) {
  clearTimeout(limit);
  agent.destroy();
  await stopAll();
  rmSync(folder, { recursive: true, force: true });
  if (problem !== undefined) console.error(`soak: ${problem}`);
  process.exit(problem === undefined ? 0 : 1);
}
