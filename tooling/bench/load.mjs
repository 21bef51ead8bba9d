import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { start } from "./processes.mjs";

/** wrk when it is installed; else a generator in Node, which takes more of the machine itself. */
export function chooseLoad({ connections }) {
  const probe = spawnSync("wrk", ["-v"]);
  if (probe.error === undefined) {
    return { kind: "wrk", run: (url, seconds) => runWrk(url, seconds, connections) };
  }
  return {
    kind: "the Node generator (wrk is not installed, so rates are lower bounds)",
    run: (url, seconds) => runNode(url, seconds, connections),
  };
}

async function runWrk(url, seconds, connections) {
  const script = join(import.meta.dirname, "post.lua");
  const parameters = ["-t1", `-c${connections}`, `-d${seconds}s`, "--timeout", "10s", "-s", script];
  return parse(await finish(["wrk", ...parameters, url], seconds));
}

/** The Node generator with bodies of so many bytes, whatever else is installed. */
export async function runBulk(url, seconds, connections, bytes) {
  const script = join(import.meta.dirname, "node-load.mjs");
  const command = [process.execPath, script, url, seconds, connections, bytes].map(String);
  return parse(await finish(command, seconds));
}

/** Unary gRPC calls, `invoke` through `InvokeService` or `proxy` by metadata. */
export async function runGrpc(port, mode, seconds, connections) {
  const script = join(import.meta.dirname, "grpc-load.mjs");
  const command = [process.execPath, script, port, mode, seconds, connections].map(String);
  return parse(await finish(command, seconds));
}

async function runNode(url, seconds, connections) {
  const script = join(import.meta.dirname, "node-load.mjs");
  const command = [process.execPath, script, url, String(seconds), String(connections)];
  return parse(await finish(command, seconds));
}

async function finish(command, seconds) {
  const handle = start(command);
  const limit = setTimeout(() => handle.child.kill("SIGKILL"), seconds * 1_000 + 30_000);
  await handle.closed;
  clearTimeout(limit);
  return handle.log;
}

/** Both generators end with a line `RESULT requests micros p50 p99 errors`, times in microseconds. */
function parse(output) {
  const match = /^RESULT (\d+) (\d+) (\d+) (\d+) (\d+)$/m.exec(output);
  if (match === null) throw new Error(`the load generator gave no result:\n${output}`);
  const [requests, micros, p50, p99, errors] = match.slice(1).map(Number);
  return {
    requests,
    errors,
    perSecond: (requests * 1e6) / micros,
    p50Ms: p50 / 1_000,
    p99Ms: p99 / 1_000,
  };
}
