// Runs h2spec, the conformance tests of HTTP/2, against the three ports of a sidecar that speak it,
// and compares what fails with h2spec.json beside this file.
//
//   node tooling/h2spec.mjs [http] [grpc] [internal]
//
// The binary is $H2SPEC, or on the PATH, or installed with Go into node_modules/.cache/h2spec.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createApp } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

const root = join(import.meta.dirname, "..");
const sidecar = join(root, "apps/outrigger/bin/daprd.js");
const cache = join(root, "node_modules/.cache/h2spec");
const source = "github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible";
const declared = JSON.parse(readFileSync(join(import.meta.dirname, "h2spec.json"), "utf8"));
const path = "/v1.0/invoke/h2spec/method/echo";
const installLimitMs = 120_000;
const readyLimitMs = 15_000;
const runLimitMs = 30_000;
const attempts = 3;

const loopbackConfig = `apiVersion: dapr.io/v1alpha1
kind: Configuration
metadata:
  name: h2spec
spec:
  nameResolution:
    component: mdns
    configuration:
      interfaces: ["127.0.0.1"]
`;

// All but 5.1.2: it opens as many streams as the server allows, which the gRPC ports do not bound.
const sections = ["generic", "hpack", "3", "4", "5.1.1", "5.3", "5.4", "5.5", "6", "7", "8"]
  .map((name) => (/^\d/.test(name) ? `http2/${name}` : name))
  .concat(Array.from({ length: 13 }, (_, index) => `http2/5.1/${index + 1}`));

const wanted = process.argv.slice(2);
const children = [];
const binary = await findBinary();
const scratch = mkdtempSync(join(tmpdir(), "outrigger-h2spec-"));
let status = 1;
try {
  status = await main();
} finally {
  for (const child of children) child.kill("SIGKILL");
  rmSync(scratch, { recursive: true, force: true });
}
process.exit(status);

async function main() {
  const ports = await startSidecar();
  const names = wanted.length > 0 ? wanted : Object.keys(ports);
  const results = await Promise.all(names.map((name) => runUntilExpected(name, ports[name])));
  const problems = results.flatMap((result) => result.problems);
  for (const problem of problems) console.log(problem);
  const totals = results.map(({ name, cases }) => {
    const count = (outcome) => cases.filter((each) => each.outcome === outcome).length;
    return `${name} ${count("passed")} passed, ${count("failed")} failed, ${count("skipped")} skipped`;
  });
  console.log(`h2spec: ${totals.join("; ")}; ${problems.length} unexpected`);
  return problems.length === 0 ? 0 : 1;
}

/** h2spec judges by the frame that it sees first, which is a matter of time: what stays is true. */
async function runUntilExpected(name, port) {
  let problems;
  for (let attempt = 1; ; attempt += 1) {
    const { cases } = await run(name, port);
    const found = judge(name, cases);
    const ids = new Set(found.map(({ id }) => id));
    problems = problems?.filter(({ id }) => ids.has(id)) ?? found;
    if (problems.length === 0 || attempt === attempts) {
      return { name, cases, problems: problems.map(({ text }) => `FAIL ${name}: ${text}`) };
    }
  }
}

/** What differs from the declared failures. */
function judge(name, cases) {
  if (cases.length === 0) return [{ id: "", text: "no results" }];
  const failures = { ...declared.failures.all, ...declared.failures[name] };
  const either = declared.either[name] ?? {};
  const problems = cases.flatMap(({ id, outcome, detail }) => {
    if (either[id] !== undefined) return [];
    if (outcome === "failed" && failures[id] === undefined)
      return [{ id, text: `${id}: ${detail}` }];
    if (outcome === "passed" && failures[id] !== undefined) {
      return [{ id, text: `${id} passes; take it out of h2spec.json` }];
    }
    return [];
  });
  const known = new Set(cases.map(({ id }) => id));
  const gone = Object.keys({ ...failures, ...either }).filter((id) => !known.has(id));
  return [...problems, ...gone.map((id) => ({ id, text: `there is no case ${id}` }))];
}

async function run(name, port) {
  if (port === undefined) throw new Error(`there is no port ${name}`);
  const report = join(scratch, `${name}.xml`);
  // Every case of a GOAWAY or a closed connection waits this long at most.
  const target = ["-h", "127.0.0.1", "-p", `${port}`, "-P", path];
  const parameters = [...target, "-o", "1", "-j", report, ...sections];
  await runBounded(binary, parameters, {}, runLimitMs);
  const cases = existsSync(report) ? readReport(readFileSync(report, "utf8")) : [];
  return { name, cases };
}

/** The cases of a JUnit report; an id is the section and the words of the case. */
function readReport(xml) {
  const pattern =
    /<testcase package="([^"]*)" classname="([^"]*)"[^>]*?(?:\/>|>([\s\S]*?)<\/testcase>)/g;
  return [...xml.matchAll(pattern)].map(([, section, words, inside = ""]) => ({
    id: `${section}: ${plain(words)}`,
    outcome: /<(?:failure|error)\b/.test(inside)
      ? "failed"
      : /<skipped\b/.test(inside)
        ? "skipped"
        : "passed",
    detail: plain(inside.replace(/<[^>]*>/g, " "))
      .replace(/\s+/g, " ")
      .trim(),
  }));
}

function plain(text) {
  const entities = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&", "#34": '"', "#39": "'" };
  const decoded = text.replace(/&(#?\w+);/g, (whole, name) => entities[name] ?? whole);
  return decoded.replace(/&#xA;/g, " ");
}

async function startSidecar() {
  const app = createApp((request, response) => {
    request.resume();
    request.once("end", () => response.end("an answer with some bytes"));
  });
  app.listen(0, "127.0.0.1");
  await once(app, "listening");
  const [http, grpc, internal, metrics] = await freePorts(4);
  const config = join(scratch, "config.yaml");
  writeFileSync(config, loopbackConfig);
  const flags = ["--app-id", "h2spec", "--app-port", app.address().port, "--config", config];
  flags.push("--dapr-http-port", http, "--dapr-grpc-port", grpc, "--metrics-port", metrics);
  flags.push("--dapr-internal-grpc-port", internal, "--dapr-listen-addresses", "127.0.0.1");
  // h2spec's large heads are legal for others, and beyond Dapr's default here.
  flags.push("--dapr-internal-grpc-listen-address", "127.0.0.1", "--read-buffer-size", "64Ki");
  const child = spawn(process.execPath, [sidecar, ...flags.map(String)], {
    env: { ...process.env, DAPR_HOST_IP: "127.0.0.1" },
    stdio: ["ignore", "ignore", "inherit"],
  });
  children.push(child);
  const endsAt = Date.now() + readyLimitMs;
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${http}${path}`).catch(() => undefined);
    if (answer?.status === 200) return { http, grpc, internal };
    if (Date.now() > endsAt || child.exitCode !== null)
      throw new Error("the sidecar did not start");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function freePorts(count) {
  const servers = Array.from({ length: count }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => server.address().port);
  for (const server of servers) server.close();
  return ports;
}

async function findBinary() {
  const name = process.platform === "win32" ? "h2spec.exe" : "h2spec";
  const folders = [...(process.env.PATH ?? "").split(delimiter), cache];
  const candidates = [process.env.H2SPEC, ...folders.map((folder) => join(folder, name))];
  const found = candidates.find((candidate) => candidate && existsSync(candidate));
  if (found !== undefined) return found;
  console.log(`h2spec: installing ${source} with Go`);
  const installed = await runBounded("go", ["install", source], { GOBIN: cache }, installLimitMs);
  if (installed === undefined) return join(cache, name);
  console.log(`H2SPEC NOT RUN: ${installed}`);
  process.exit(process.env.CI === "true" ? 1 : 0);
}

/** Runs a program to its end. Returns what went wrong, if anything. */
function runBounded(program, parameters, env, limitMs) {
  return new Promise((resolve) => {
    const child = spawn(program, parameters, {
      env: { ...process.env, ...env },
      stdio: ["ignore", "ignore", "pipe"],
    });
    children.push(child);
    let errors = "";
    child.stderr.on("data", (bytes) => {
      errors = (errors + bytes).slice(-2_000);
    });
    const timer = setTimeout(() => child.kill("SIGKILL"), limitMs);
    child.once("error", (error) => {
      clearTimeout(timer);
      resolve(`${program}: ${error.message}`);
    });
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      resolve(code === 0 ? undefined : `${program} ended with ${signal ?? code}: ${errors.trim()}`);
    });
  });
}
